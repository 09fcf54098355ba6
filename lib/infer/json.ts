/** Finds the columns of sampled JSON lines. */
import type { JsonLinesFormat, TextEncoding } from '../define/definition.ts'
import { jsonLines } from '../define/formats/format.ts'
import { engineName } from '../errors/engine-name.ts'
import { openReader } from '../query/dataset.ts'
import { createStage } from '../stage/stage.ts'
import { describeJson, type FoundColumn } from './infer-columns.ts'
import { type Sample, sampleBytes, wholeRecords } from './sample/bytes.ts'
import type { FoundText } from './sample/found-text.ts'
import { sniffEncoding } from './sniff/encoding.ts'

export interface JsonHints {
  readonly scratch: string
  readonly encoding?: TextEncoding | undefined
  /** Whether all values are texts, also those of numbers. Default false. */
  readonly isUntyped?: boolean | undefined
}

/** Finds format and columns of lines; where these are untyped, their texts are read as those of CSV are. */
export async function findJson(
  samples: readonly Sample[],
  { scratch, encoding: known, isUntyped = false }: JsonHints,
): Promise<FoundText> {
  const { encoding, notes } = sniffEncoding(samples, known)
  const format: JsonLinesFormat = jsonLines({ encoding })
  const stageBytesMax = 64 * samples.length * sampleBytes
  const stage = createStage({ folder: scratch, format, located: false, stageBytesMax })
  for (const sample of samples) stage.add(wholeRecords(sample, format), { archive: sample.name, member: '' })
  const engine = await openReader([scratch], scratch)
  try {
    const columns = await describeJson(await engine.connect(), stage.finish(), format)
    return { format, columns: isUntyped ? untyped(columns) : columns, notes, isColumnMissing: false }
  } finally {
    engine.close()
    stage.discard()
  }
}

/** Returns columns whose texts may be numbers. Attributes and texts of XML elements get names without their mark, where these are free. */
function untyped(columns: readonly FoundColumn[]): readonly FoundColumn[] {
  const taken = new Set(columns.map(({ name }) => engineName(name)))
  return columns.map(column => {
    const plain = column.name.replace(/^[@#]/, '')
    const isFree = plain !== column.name && !taken.has(engineName(plain))
    return { ...column, isText: false, ...(isFree && { name: plain, from: column.name }) }
  })
}
