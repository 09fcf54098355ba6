/** Finds the columns of sampled JSON lines. */
import type { JsonLinesFormat, TextEncoding } from '../define/definition.ts'
import { jsonLines } from '../define/format.ts'
import { openReader } from '../engine/dataset.ts'
import { PermanentError } from '../errors/errors.ts'
import { createStage } from '../stage/stage.ts'
import { bomBytes, decodeText } from '../text/encoding.ts'
import type { FoundText } from './found-text.ts'
import { describeJson } from './infer-columns.ts'
import { type Sample, sampleBytes, wholeRecords } from './sample-bytes.ts'
import { sniffEncoding } from './sniff-encoding.ts'

/** Finds format and columns. @throws INPUT_INVALID for JSON that is not one object in each line */
export async function findJson(
  samples: readonly Sample[],
  { scratch, encoding: known }: { readonly scratch: string; readonly encoding?: TextEncoding | undefined },
): Promise<FoundText> {
  for (const sample of samples) checkLines(sample)
  const { encoding, notes } = known ? { encoding: known, notes: [] } : sniffEncoding(samples.map(({ bytes }) => bytes))
  const format: JsonLinesFormat = jsonLines({ encoding })
  const stageBytesMax = 64 * samples.length * sampleBytes
  const stage = createStage({ folder: scratch, format, located: false, stageBytesMax })
  for (const sample of samples) stage.add(wholeRecords(sample, format), { archive: sample.name, member: '' })
  const engine = await openReader([scratch], scratch)
  try {
    const columns = await describeJson(await engine.connect(), stage.finish(), format)
    return { format, columns, notes, isColumnMissing: false }
  } finally {
    engine.close()
    stage.discard()
  }
}

/** Refuses an array of objects and an object over several lines: both are JSON, but not JSON lines. */
function checkLines({ name, bytes }: Sample): void {
  const text = decodeText(bytes.subarray(bomBytes(bytes), firstBytes), 'utf-8').trimStart()
  const [line = ''] = text.split(/\r?\n/, 1)
  const isOpenObject = /^\{/.test(line) && line.length < firstBytes / 2 && !isJson(line) && !/\}\s*$/.test(line)
  const got = text.startsWith('[') ? 'a JSON array' : isOpenObject ? 'an object over several lines' : undefined
  if (got === undefined) return
  const format = text.startsWith('[') ? 'json()' : "json({ path: '$…' }), with the path of the records in it"
  const message = `${name}: expected JSON lines, one object a line, got ${got}; read it with ${format}, and write its columns yourself`
  throw new PermanentError('INPUT_INVALID', message, { name })
}

const firstBytes = 65_536

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}
