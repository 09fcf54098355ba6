/** The staged text of a sheet as a text source: CSV in which cells with an error have a mark. */
import type { WorkbookFormat } from '../../../define/definition.ts'
import { errorMark, sheetFormat } from '../../../define/formats/workbook-format.ts'
import { quoteText } from '../../../duckdb/quote.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { csvSource } from './csv-source.ts'
import type { TextSource, TextSourceOptions } from './text-source.ts'

export function workbookSource(
  files: readonly StagedFile[],
  format: WorkbookFormat,
  options: TextSourceOptions,
): TextSource {
  const source = csvSource(files, sheetFormat(format), options)
  const mark = quoteText(errorMark)
  const shown = (text: string): string => `replace(${text}, ${mark}, '')`
  return {
    ...source,
    // The scan reads a mark as no type, so a cell that it reads as its type has none.
    errorIn: name => {
      const text = source.text(name)
      return text === undefined || source.isTyped?.(name)
        ? undefined
        : { isMet: `coalesce(starts_with(${text}, ${mark}), false)`, shown: shown(text) }
    },
    recordText: shown(source.recordText),
    undeclared: source.undeclared?.map(({ name, text }) => ({ name, text: shown(text) })),
  }
}
