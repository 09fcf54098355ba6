/** Makes text sources of staged files, by their format. */
import type { AvroFormat } from '../../define/definition.ts'
import { avroNull, avroText } from '../../define/formats/avro-format.ts'
import type { TextFormat } from '../../define/formats/format-kind.ts'
import { quoteText } from '../../duckdb/quote.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import { withPathColumns } from './path-columns.ts'
import { csvSource } from './text/csv-source.ts'
import { fixedWidthSource, jsonLineSource, patternLineSource } from './text/line-source.ts'
import type { TextSource, TextSourceOptions } from './text/text-source.ts'
import { workbookSource } from './text/workbook-source.ts'

/** Returns the sources of files: one for each header and newline style, and among these for each way in which their rows were parsed. @throws DEFINITION_INVALID for a column both in a path and in its file */
export function textSources(files: readonly StagedFile[], options: TextSourceOptions): TextSource[] {
  const filled = files.filter(file => file.bytes > 0)
  const groups = groupsBy(filled, file => [file.columns, file.newline, file.isOpen === true]).flatMap(group =>
    groupsBy(group, file => file.parsed?.map(field => field?.kind)),
  )
  return groups.map(group => withPathColumns(textSource(group, options), group, options))
}

const groupsBy = (files: readonly StagedFile[], look: (file: StagedFile) => unknown): StagedFile[][] => [
  ...Map.groupBy(files, file => JSON.stringify(look(file))).values(),
]

type SourceOf<F extends TextFormat> = (
  files: readonly StagedFile[],
  format: F,
  options: TextSourceOptions,
) => TextSource

const sources: { readonly [K in TextFormat['kind']]: SourceOf<Extract<TextFormat, { kind: K }>> } = {
  avro: avroSource,
  csv: csvSource,
  fixedWidth: fixedWidthSource,
  json: jsonLineSource,
  jsonLines: jsonLineSource,
  lines: patternLineSource,
  xlsx: workbookSource,
  xml: jsonLineSource,
}

/** A staged Avro file is CSV; a record is shown without the marks of nulls. */
function avroSource(files: readonly StagedFile[], _: AvroFormat, options: TextSourceOptions): TextSource {
  const source = csvSource(files, avroText, options)
  return { ...source, recordText: `replace(${source.recordText}, ${quoteText(avroNull)}, '')` }
}

function textSource(files: readonly StagedFile[], options: TextSourceOptions): TextSource {
  const { format } = options
  return (sources[format.kind] as SourceOf<TextFormat>)(files, format, options)
}
