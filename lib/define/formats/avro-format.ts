/** Builds the format of Avro files. */
import { check, options } from '../check.ts'
import type { AvroFormat, CsvFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import type { NoOptions } from './format.ts'

export type Avro = Refined<AvroFormat, NoOptions>

/**
 * Avro object container files, whose records are rows. Values are read as their texts, which must fit the declared columns: dates and
 * timestamps as ISO 8601, decimals with all digits, nested records, arrays and maps as JSON, bytes as base64.
 * @example files({ paths: 'events/*.avro', format: avro() })
 */
export function avro(given: NoOptions = {}): Avro {
  check('avro', options({}), given)
  return refinable({ kind: 'avro' }, given, avro)
}

/** Stands for a null: without quotes, which a text of this character gets. */
export const avroNull = '\u0001'

/** The format of the text that a file is rewritten to. */
export const avroText: CsvFormat = Object.freeze({
  kind: 'csv',
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  nullValues: [avroNull],
  skip: 0,
  encoding: 'utf-8',
})
