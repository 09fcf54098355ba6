/** Writes one temporary file from many small pieces, synchronously and through a buffer. */
import { closeSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { diskFault } from '../store/disk/fault.ts'
import type { SpareFiles } from './spare-files.ts'

/** Larger pieces bypass the buffer: a system call costs as much as copying some tens of kilobytes. */
const smallPieceBytesMax = 32 * 1024
const bufferBytes = 256 * 1024

/**
 * Begins with an empty file, or with a spare one, whose old text is cut off by `close`. Between `close` and the next `append` it holds
 * neither a descriptor nor a buffer.
 */
export class FileWriter {
  readonly file: string
  bytes = 0
  private descriptor: number | undefined
  private buffer: Buffer | undefined
  private buffered = 0
  private readonly spares: SpareFiles | undefined
  /** Whether the file may have more bytes than were appended. */
  private isLonger: boolean

  /** @throws STORE_FAILED, DISK_FULL; so do its methods */
  constructor(file: string, spares?: SpareFiles) {
    this.file = file
    this.spares = spares
    this.isLonger = spares?.moveTo(file) ?? false
    if (!this.isLonger) attempt(file, () => closeSync(openSync(file, 'w')))
  }

  /** The caller may reuse the piece afterwards. */
  append(piece: Uint8Array): void {
    if (this.buffered + piece.length > bufferBytes || piece.length > smallPieceBytesMax) this.flush()
    this.bytes += piece.length
    if (piece.length > smallPieceBytesMax) this.write(piece)
    else {
      this.buffer ??= Buffer.allocUnsafeSlow(bufferBytes)
      this.buffer.set(piece, this.buffered)
      this.buffered += piece.length
    }
  }

  /** Forgets all but the first so many bytes. */
  cutTo(bytes: number): void {
    this.flush()
    this.isLonger ||= bytes < this.bytes
    this.bytes = bytes
  }

  close(): void {
    this.flush()
    this.release()
    if (this.isLonger) attempt(this.file, () => truncateSync(this.file, this.bytes))
    this.isLonger = false
  }

  /** Closes without writing the rest, and removes the file, or keeps it as a spare one. A missing file is not an error. */
  remove(): void {
    this.release()
    if (this.spares?.keep(this.file)) return
    attempt(this.file, () => rmSync(this.file, { force: true }))
  }

  private flush(): void {
    if (this.buffer && this.buffered > 0) this.write(this.buffer.subarray(0, this.buffered))
    this.buffered = 0
  }

  /** Writes the last bytes that were appended. */
  private write(piece: Uint8Array): void {
    const start = this.bytes - piece.length
    attempt(this.file, () => {
      this.descriptor ??= openSync(this.file, 'r+')
      for (let at = 0; at < piece.length; ) at += writeSync(this.descriptor, piece, at, piece.length - at, start + at)
    })
  }

  private release(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor)
    this.descriptor = undefined
    this.buffer = undefined
    this.buffered = 0
  }
}

function attempt(file: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw diskFault(error, 'write', file)
  }
}
