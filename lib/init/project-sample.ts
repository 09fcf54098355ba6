/** Takes the first records of the data for the test of a new project. */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Format } from '../define/definition.ts'
import { isText, layoutOfText, type TextFormat } from '../define/formats/format-kind.ts'
import { readSample, wholeRecords } from '../infer/sample/bytes.ts'
import type { SampleText } from '../infer/sample/sample.ts'

/** Text that usually has some dozen records, and text for very long ones. */
const headBytes = [4 * 1024, 512 * 1024]

const compressions: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  '.gz': gzipSync,
  '.zst': zstdCompressSync,
}

/** Returns the beginning of a text, compressed as the data is, as a file beside the test; undefined where the test has to read the data itself. */
export async function projectSample(text: SampleText, format: Format) {
  if (!isText(format)) return undefined
  const [, ending = '', compression] = /(\.\w+?)??(\.(?:gz|zst|bz2|xz|br|lz4))?$/i.exec(text.name) ?? []
  const compress = compression === undefined ? (bytes: Uint8Array) => bytes : compressions[compression.toLowerCase()]
  if (!compress) return undefined
  const sample = await readSample(text)
  const name = `sample${ending.toLowerCase()}${compression ?? ''}`
  if (!hasLines(format)) return sample.isWhole ? { name, bytes: compress(sample.bytes) } : undefined
  for (const limit of headBytes) {
    const head = {
      ...sample,
      bytes: sample.bytes.subarray(0, limit),
      isWhole: sample.isWhole && sample.bytes.length <= limit,
    }
    const bytes = wholeRecords(head, format)
    // Without the end of any record, the bytes are returned as they are.
    if (bytes.length < head.bytes.length || head.isWhole) return { name, bytes: compress(bytes) }
  }
  return undefined
}

/** Whether the beginning of a file is a file of that format, because its records stand in lines as they are stored. */
function hasLines(format: TextFormat): boolean {
  const { decoded, document, workbook, xml } = layoutOfText(format)
  return [decoded, document, workbook, xml].every(each => each === undefined)
}
