/** Reads files by range, pinned to the version that plan saw. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { throwIfAborted } from '../../errors/abort.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import type { ReadOptions } from '../store.ts'
import { diskFault, withFaults } from './fault.ts'
import { etagOf } from './files.ts'

const chunkBytes = 1 << 20
/** Linux reads at most 2 GiB less a page in one call. */
const callBytesMax = 1 << 30

/** Pieces of a range of at most a mebibyte, or one of the whole range; never fewer bytes than asked for. */
export async function* readFileRange(
  path: string,
  key: string,
  { range, etag, signal, into, isWhole = false }: ReadOptions & { readonly isWhole?: boolean },
): AsyncGenerator<Uint8Array> {
  const file = await withFaults('read', key, () => open(path, 'r'))
  try {
    const sizeBytes = await checkVersion(file, key, etag)
    const { start, end } = range ?? { start: 0, end: sizeBytes }
    if (end > sizeBytes) throw changed(key, `at least ${end} bytes`, `${sizeBytes}`)
    const stepBytes = isWhole ? Math.max(end - start, 1) : chunkBytes
    for (let at = start; at < end || isWhole; at += stepBytes) {
      throwIfAborted(signal)
      const length = Math.min(stepBytes, end - at)
      // New memory is not from the shared pool, so that it can be transferred to another thread.
      const memory = into ? into(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
      const bytes = await readExactly(file, key, at, memory)
      // Checked after every piece: one that was written meanwhile may hold bytes of both versions.
      if (etag !== undefined) await checkVersion(file, key, etag)
      yield bytes
      if (isWhole) return
    }
  } finally {
    await file.close()
  }
}

/**
 * A whole file, without waiting: to open, read and close a small one takes 20 microseconds, and ten times as much of
 * the processor where each step is waited for.
 */
export function readFileNow(path: string, key: string, { etag, into }: Pick<ReadOptions, 'etag' | 'into'>): Uint8Array {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const lengthBytes = versionNow(file, key, etag)
    const bytes = into ? into(lengthBytes) : new Uint8Array(lengthBytes)
    for (let filled = 0; filled < lengthBytes; ) {
      const read = readSync(file, bytes, filled, lengthBytes - filled, filled)
      if (read === 0) throw changed(key, `${lengthBytes} bytes`, `${filled}`)
      filled += read
    }
    // Once more: one that was written meanwhile may hold bytes of both versions.
    versionNow(file, key, etag)
    return bytes
  } catch (error) {
    throw error instanceof FanmillError ? error : diskFault(error, 'read', key)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function versionNow(file: number, key: string, etag: string | undefined): number {
  const stats = fstatSync(file, { bigint: true })
  const found = etagOf(stats)
  if (etag !== undefined && found !== etag) throw changed(key, `version ${etag}`, found)
  return Number(stats.size)
}

/** Fills `bytes` from `start`. */
async function readExactly(file: FileHandle, key: string, start: number, bytes: Uint8Array): Promise<Uint8Array> {
  const lengthBytes = bytes.length
  let filled = 0
  while (filled < lengthBytes) {
    const length = Math.min(lengthBytes - filled, callBytesMax)
    const { bytesRead } = await withFaults('read', key, () => file.read(bytes, filled, length, start + filled))
    if (bytesRead === 0) throw changed(key, `${lengthBytes} bytes from ${start}`, `${filled}`)
    filled += bytesRead
  }
  return bytes
}

async function checkVersion(file: FileHandle, key: string, etag: string | undefined): Promise<number> {
  const stats = await withFaults('read', key, () => file.stat({ bigint: true }))
  const found = etagOf(stats)
  if (etag !== undefined && found !== etag) throw changed(key, `version ${etag}`, found)
  return Number(stats.size)
}

function changed(key: string, expected: string, got: string): PermanentError {
  const message = `${key}: expected ${expected}, got ${got}; it changed while the run read it: run again`
  return new PermanentError('INPUT_CHANGED', message, { key, expected, got })
}
