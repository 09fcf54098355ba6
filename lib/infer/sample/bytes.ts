/** Reads the beginnings of texts, for `infer`. */
import { Buffer } from 'node:buffer'
import type { TextFormat } from '../../define/formats/format-kind.ts'
import { PermanentError } from '../../errors/errors.ts'
import { readHeader } from '../../text/csv-header.ts'
import { dialectOf, encodingOf, longestRecordBytes, topOf } from '../../text/records/dialect.ts'
import { createRecordCutter } from '../../text/records/records.ts'
import type { SampleText } from './sample.ts'

/** The beginning of a member or file, as it is stored or rewritten. */
export interface Sample {
  readonly name: string
  readonly bytes: Uint8Array
  /** Whether this is the whole text. */
  readonly isWhole: boolean
  /** The lines that the text has and these bytes have not, as `ChunkFilter` describes; absent for bytes as they are stored. */
  readonly gaps?: readonly number[] | undefined
}

/** Bytes of each text that are read. */
export const sampleBytes = 512 * 1024

/**
 * Reads the beginning of a text: half a MiB, or its first line. `isDocument` tells by the first bytes whether it may have no lines.
 * @throws INPUT_INVALID for a line of more than 64 MiB
 */
export async function readSample(
  { name, open, gaps }: SampleText,
  isDocument: (start: { readonly name: string; readonly bytes: Uint8Array }) => boolean = () => false,
): Promise<Sample> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  let hasLine = false
  let isWhole = true
  let mayEnd: boolean | undefined
  for await (const chunk of open()) {
    if (bytes >= sampleBytes) mayEnd ??= isDocument({ name, bytes: Buffer.concat(chunks) })
    if (bytes >= sampleBytes && (hasLine || mayEnd)) {
      isWhole = false
      break
    }
    if (bytes > longestRecordBytes)
      throw new PermanentError('INPUT_INVALID', `${name}: expected lines, got none in its first 64 MiB`, { name })
    // Chunks may be reused by their source.
    chunks.push(Uint8Array.from(chunk))
    bytes += chunk.length
    hasLine ||= chunk.includes(10) || chunk.includes(13)
  }
  const all = Buffer.concat(chunks)
  const read = { name, gaps: gaps?.() }
  if (all.length <= sampleBytes) return { ...read, bytes: all, isWhole }
  const end = Math.max(sampleBytes, all.indexOf(10) + 1)
  return { ...read, bytes: all.subarray(0, end), isWhole: isWhole && end === all.length }
}

/** Returns the sample up to its last record end. */
export function wholeRecords({ bytes, isWhole }: Sample, format: TextFormat): Uint8Array {
  if (isWhole) return bytes
  const dialect = dialectOf(format, encodingOf(format))
  const top = readHeader(bytes, dialect, topOf(format)).end
  const end = createRecordCutter(dialect).push(bytes.subarray(top))
  return end === -1 ? bytes : bytes.subarray(0, top + end)
}
