/** Checks the pages of a Parquet file against their checksums, which the engine ignores. */
import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { type ColumnChunk, type PageHeader, readPageHeader } from './footer.ts'
import { ThriftError } from './thrift-compact.ts'

/** Enough for the header of a page with statistics of long texts; for a longer one more bytes are read. */
const headerBytesMin = 4096
const headerBytesMax = 16 * 1024 * 1024
const readBytes = 1024 * 1024

/**
 * Describes the first fault of the pages, as the end of a sentence. Returns undefined when there is none, or when the first page has
 * no checksum, because then no page has one. Memory: a mebibyte.
 */
export function pageFault(handle: number, all: readonly ColumnChunk[]): string | undefined {
  const chunks = all.filter(chunk => !chunk.isEncrypted && chunk.valueCount > 0)
  const [first] = chunks
  if (!first) return undefined
  try {
    if (headerAt(handle, first.start).crc32 === undefined) return undefined
    for (const chunk of chunks) {
      const fault = chunkFault(handle, chunk)
      if (fault !== undefined) return fault
    }
    return undefined
  } catch (error) {
    if (!(error instanceof ThriftError)) throw error
    return `got a page whose header is damaged (${error.message})`
  }
}

function chunkFault(handle: number, { start, lengthBytes, valueCount }: ColumnChunk): string | undefined {
  let values = 0
  let at = start
  while (at < start + lengthBytes) {
    const header = headerAt(handle, at)
    const { headerBytes, pageBytes } = header
    if (pageBytes < 0 || at + headerBytes + pageBytes > start + lengthBytes)
      return `got a page of ${pageBytes} bytes at offset ${at}, beyond its column`
    if (header.crc32 !== undefined && checksum(handle, at + headerBytes, pageBytes) !== header.crc32)
      return `got a page at offset ${at} that has another checksum than its header says`
    values += header.valueCount
    at += headerBytes + pageBytes
  }
  return values === valueCount
    ? undefined
    : `got ${values} values in the pages at offset ${start} in place of ${valueCount}`
}

function headerAt(handle: number, offset: number): PageHeader {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new ThriftError(`expected an offset, got ${offset}`)
  for (let lengthBytes = headerBytesMin; ; lengthBytes *= 16) {
    const bytes = Buffer.alloc(lengthBytes)
    const read = readSync(handle, bytes, 0, lengthBytes, offset)
    try {
      return readPageHeader(bytes.subarray(0, read))
    } catch (error) {
      if (read < lengthBytes || lengthBytes >= headerBytesMax) throw error
    }
  }
}

function checksum(handle: number, offset: number, lengthBytes: number): number {
  const buffer = Buffer.allocUnsafe(Math.min(readBytes, lengthBytes))
  let crc = 0
  for (let at = 0; at < lengthBytes; ) {
    const read = readSync(handle, buffer, 0, Math.min(buffer.length, lengthBytes - at), offset + at)
    if (read === 0) throw new ThriftError(`expected ${lengthBytes} bytes at offset ${offset}, got the end`)
    crc = crc32(buffer.subarray(0, read), crc)
    at += read
  }
  return crc
}
