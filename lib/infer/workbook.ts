/** Infers the columns of workbooks from the text of their sheets. */
import type { WorkbookFormat } from '../define/definition.ts'
import { csv } from '../define/formats/format.ts'
import { sheetFormat } from '../define/formats/workbook-format.ts'
import type { InferredText } from './sample/found-text.ts'
import { rewrittenText } from './sample/rewrite.ts'
import type { SampleText } from './sample/sample.ts'
import { type InferTextOptions, inferText } from './text.ts'

/** Cells with an error are no values, so they do not change the type of their column. @throws INPUT_INVALID; and as `inferText` */
export async function inferWorkbooks(
  texts: readonly SampleText[],
  format: WorkbookFormat,
  options: Omit<InferTextOptions, 'named' | 'format'>,
): Promise<InferredText> {
  const sheets = texts.map(text => rewrittenText(text, { format, errors: 'empty' }))
  const { header, shortRows, matchNames } = sheetFormat(format)
  const found = await inferText(sheets, { ...options, named: 'csv', format: csv({ header, shortRows, matchNames }) })
  return { ...found, format }
}
