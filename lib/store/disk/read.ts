/** Reads files by range, pinned to the planned version. */
import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate as letOthersRun } from 'node:timers/promises'
import { throwIfAborted } from '../../errors/abort.ts'
import { FanmillError } from '../../errors/errors.ts'
import { inputChanged } from '../input-changed.ts'
import type { ReadOptions } from '../store.ts'
import { diskFault, withFaults } from './fault.ts'
import { etagOf } from './files.ts'

const chunkBytes = 1 << 20
/** Linux reads less than 2 GiB in one call. */
const callBytesMax = 1 << 30

/** Yields a range in pieces of at most a mebibyte, or as one piece; never fewer bytes than requested. @throws INPUT_CHANGED */
export async function* readFileRange(
  path: string,
  key: string,
  { range, etag, signal, into, isWhole = false }: ReadOptions & { readonly isWhole?: boolean },
): AsyncGenerator<Uint8Array> {
  const file = await withFaults('read', key, () => open(path, 'r'))
  try {
    const sizeBytes = await checkVersion(file, key, etag)
    const { start, end } = range ?? { start: 0, end: sizeBytes }
    if (end > sizeBytes) throw inputChanged(key, `at least ${end} bytes`, `${sizeBytes}`)
    const stepBytes = isWhole ? Math.max(end - start, 1) : chunkBytes
    for (let at = start; at < end || isWhole; at += stepBytes) {
      throwIfAborted(signal)
      const length = Math.min(stepBytes, end - at)
      // New memory does not come from Node's shared pool, so that it can be transferred to another thread.
      const memory = into ? into(length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
      const bytes = await readExactly(file, key, at, memory)
      // Checked after every piece, because a piece that was read during a write may hold bytes of both versions.
      if (etag !== undefined) checkVersionSync(file.fd, key, etag)
      yield bytes
      if (isWhole) return
    }
  } finally {
    await file.close()
  }
}

/**
 * Reads a range of a file, or all of it, synchronously: opening, reading and closing a small file takes 20 microseconds, and ten times as
 * much CPU time asynchronously.
 */
export function readFileNow(path: string, key: string, { range, etag, into }: Omit<ReadOptions, 'signal'>): Uint8Array {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const sizeBytes = checkVersionSync(file, key, etag)
    const { start, end } = range ?? { start: 0, end: sizeBytes }
    const lengthBytes = end - start
    const bytes = into ? into(lengthBytes) : new Uint8Array(lengthBytes)
    for (let filled = 0; filled < lengthBytes; ) {
      const read = readSync(file, bytes, filled, lengthBytes - filled, start + filled)
      if (read === 0) throw inputChanged(key, `${lengthBytes} bytes from ${start}`, `${filled}`)
      filled += read
    }
    // Checked again, because a file that was written meanwhile may hold bytes of both versions.
    checkVersionSync(file, key, etag)
    return bytes
  } catch (error) {
    throw error instanceof FanmillError ? error : diskFault(error, 'read', key)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Bytes of a piece: few enough to stay in the cache of a processor until they are used. */
const scanBytes = 256 * 1024
/** Bytes that are scanned before other work of the thread gets its turn. */
const scanBytesAtOnce = 4 << 20
/** Memory of a piece. Scans share it, because each piece is used before another scan gets its turn. */
const scanned = new Uint8Array(scanBytes)

/**
 * Calls `use` with each piece of a file in turn, in memory that the next piece fills. Pieces are read synchronously, because waiting for
 * each would cost more than reading it.
 */
export async function scanFile(
  path: string,
  key: string,
  { etag, signal }: Pick<ReadOptions, 'etag' | 'signal'>,
  use: (bytes: Uint8Array) => void,
): Promise<void> {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const lengthBytes = checkVersionSync(file, key, etag)
    for (let at = 0, pauseAt = scanBytesAtOnce; at < lengthBytes; ) {
      throwIfAborted(signal)
      const read = readSync(file, scanned, 0, Math.min(scanBytes, lengthBytes - at), at)
      if (read === 0) throw inputChanged(key, `${lengthBytes} bytes`, `${at}`)
      use(scanned.subarray(0, read))
      at += read
      if (at < pauseAt) continue
      await letOthersRun()
      pauseAt = at + scanBytesAtOnce
    }
    // Checked at the end, because a file that was written meanwhile may hold bytes of both versions.
    checkVersionSync(file, key, etag)
  } catch (error) {
    throw error instanceof FanmillError ? error : diskFault(error, 'read', key)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Returns the path after checking that its file is the version of the etag. @throws INPUT_CHANGED; DATASET_MISSING */
export async function checkedPath(path: string, key: string, etag: string): Promise<string> {
  const file = await withFaults('read', key, () => open(path, 'r'))
  try {
    await checkVersion(file, key, etag)
    return path
  } finally {
    await file.close()
  }
}

async function readExactly(file: FileHandle, key: string, start: number, bytes: Uint8Array): Promise<Uint8Array> {
  const lengthBytes = bytes.length
  let filled = 0
  while (filled < lengthBytes) {
    const length = Math.min(lengthBytes - filled, callBytesMax)
    const { bytesRead } = await withFaults('read', key, () => file.read(bytes, filled, length, start + filled))
    if (bytesRead === 0) throw inputChanged(key, `${lengthBytes} bytes from ${start}`, `${filled}`)
    filled += bytesRead
  }
  return bytes
}

async function checkVersion(file: FileHandle, key: string, etag: string | undefined): Promise<number> {
  return checkStats(await withFaults('read', key, () => file.stat({ bigint: true })), key, etag)
}

function checkVersionSync(file: number, key: string, etag: string | undefined): number {
  return checkStats(fstatSync(file, { bigint: true }), key, etag)
}

/** Returns the size of a file. @throws INPUT_CHANGED when it is not the version of the etag */
function checkStats(stats: BigIntStats, key: string, etag: string | undefined): number {
  const found = etagOf(stats)
  if (etag !== undefined && found !== etag) throw inputChanged(key, `version ${etag}`, found)
  return Number(stats.size)
}
