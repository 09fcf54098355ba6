/** The table of the text formats of broadcast tables: how each is read as texts, or with the types that the engine finds. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { findColumns } from '../../../define/columns/file-names.ts'
import type { Columns, CsvFormat, FixedWidthFormat, JsonLinesFormat, LinesFormat } from '../../../define/definition.ts'
import { avroText } from '../../../define/formats/avro-format.ts'
import type { TextFormat } from '../../../define/formats/format-kind.ts'
import { sheetFormat } from '../../../define/formats/workbook-format.ts'
import { quoteName, quoteText, quoteTexts } from '../../../duckdb/quote.ts'
import { scanLines } from './csv-scan.ts'
import { type CsvTable, csvSettings, readTableTop, scanFault, type TableTop } from './csv-table.ts'
import { jsonSource } from './json-source.ts'
import { patternSource, placesSource } from './line-source.ts'
import type { TextSource } from './text-source.ts'

interface TableText<F extends TextFormat> {
  /** Returns the format with which the table is read, and its header; default the declared format. */
  prepare?(table: CsvTable, format: F): Promise<TableTop<F>>
  /** The rows as texts, numbered in place of the located prefix. */
  texts(file: string, top: TableTop<F>, columns: Columns): TextSource
  /** A FROM clause with the names and types that the engine finds in all rows. */
  sniffed(file: string, format: F): string
  /** Whether a line may be no record, also where no columns are declared. */
  readonly mayMisfit?: boolean
  /** Returns the error of a reading that names the place, where the engine's own does not. */
  faultOf?(connection: DuckDBConnection, table: CsvTable, format: F): Promise<unknown>
}

const csv: TableText<CsvFormat> = {
  prepare: readTableTop,
  texts(file, { format, header = [] }, columns) {
    // The engine trims the names in a header, and so gets others.
    const inHeader = header.map((_, index) => `column ${index}`)
    const { positions } = findColumns(header, columns, format.matchNames)
    const text = (name: string): string => quoteName(inHeader[positions.get(name) ?? -1] ?? name)
    const names = quoteTexts(format.header ? inHeader : Object.keys(columns))
    return {
      from: numbered(`read_csv(${csvSettings(file, format)}, all_varchar = true, names = ${names})`),
      text,
      recordText: "''",
    }
  },
  sniffed: (file, format) => `read_csv(${csvSettings(file, format)}, sample_size = -1)`,
  faultOf: scanFault,
}

const jsonLines: TableText<JsonLinesFormat> = {
  texts: (file, _, columns) =>
    jsonSource(
      numbered(`(SELECT CAST(json AS VARCHAR) AS line FROM read_ndjson_objects(${quoteText(file)}))`),
      columns,
      { strict: true },
    ),
  // Every row is sniffed: a table is small, and a type found late would fail the load.
  sniffed: file =>
    `read_json(${quoteText(file)}, format = 'newline_delimited', sample_size = -1, hive_partitioning = false)`,
}

const lines: TableText<LinesFormat> = {
  texts: (file, { format }) => patternSource(numbered(scanLines([file], ['content'])), format, 'content'),
  sniffed: (file, format) =>
    `(SELECT unnest(groups) FROM ${patternSource(scanLines([file], ['content']), format, 'content').from})`,
  mayMisfit: true,
}

const fixedWidth: TableText<FixedWidthFormat> = {
  texts: (file, { format }) => placesSource(numbered(scanLines([file], ['content'])), format, 'content'),
  sniffed: (file, format) => {
    const { text } = placesSource('', format, 'content')
    const names = Object.keys(format.columns).map(name => `${text(name)} AS ${quoteName(name)}`)
    return `(SELECT ${names.join(', ')} FROM ${scanLines([file], ['content'])})`
  },
  mayMisfit: true,
}

const numbered = (from: string): string =>
  `(SELECT '0' AS _fanmill_member, '' AS _fanmill_line, CAST(row_number() OVER () AS VARCHAR) AS _fanmill_record, * FROM ${from})`

/** Reads a file whose text was rewritten to another format. */
const rewritten = <F extends TextFormat, As extends TextFormat>(
  as: TableText<As>,
  formatOf: (format: F) => As,
): TableText<F> => ({
  texts: (file, top, columns) => as.texts(file, { ...top, format: formatOf(top.format) }, columns),
  sniffed: (file, format) => as.sniffed(file, formatOf(format)),
})

const kinds: { readonly [K in TextFormat['kind']]: TableText<Extract<TextFormat, { kind: K }>> } = {
  avro: rewritten(csv, () => avroText),
  csv,
  fixedWidth,
  json: rewritten(jsonLines, () => ({ kind: 'jsonLines' })),
  jsonLines,
  lines,
  xml: rewritten(jsonLines, () => ({ kind: 'jsonLines' })),
  xlsx: rewritten(csv, sheetFormat),
}

/** Returns how a table of this format is read. */
export const tableText = <K extends TextFormat['kind']>(
  format: Extract<TextFormat, { kind: K }>,
): TableText<Extract<TextFormat, { kind: K }>> => kinds[format.kind as K]
