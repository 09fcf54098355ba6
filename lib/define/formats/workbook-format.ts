/** Builds the format of Excel workbooks. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { CsvFormat, WorkbookFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { count, filledText, oneOf } from '../schemas.ts'

/** The options of `xlsx`. All have defaults. */
export type XlsxOptions = Partial<Omit<WorkbookFormat, 'kind'>>
export type Xlsx = Refined<WorkbookFormat, XlsxOptions>

/**
 * Excel workbooks (`.xlsx`), one sheet of each. A cell is read as its type, a formula as the value that Excel saved; an empty cell is null.
 * @example files({ paths: 'orders/*.xlsx', format: xlsx({ sheet: 'Orders', headerRow: 3 }) })
 */
export function xlsx(given: XlsxOptions = {}): Xlsx {
  const { sheet, headerRow = 1, matchNames } = check('xlsx', xlsxOptions, given)
  const named = headerRow === false ? undefined : matchNames
  return refinable({ kind: 'xlsx', sheet, headerRow, matchNames: named }, given, xlsx)
}

/** Begins the text of a cell with an error such as #N/A. No text of a cell has this character, as XML does not have it. */
export const errorMark = '\u0001'

/** Returns the format of the text that a sheet is rewritten to: fields with commas and quotes, in which an empty field is null. */
export const sheetFormat = ({ headerRow, matchNames }: WorkbookFormat): CsvFormat => ({
  kind: 'csv',
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: headerRow !== false,
  nullValues: [''],
  skip: 0,
  // A sheet does not say where a row ends: cells that are not there are empty. Below a header, rows are written as wide as it is.
  shortRows: headerRow === false ? 'null' : undefined,
  matchNames,
  encoding: 'utf-8',
})

const sheetOption = v.union([filledText, count(1)], 'the name of a sheet, or its number from 1')
const headerOption = v.union([count(1), v.literal(false)], 'the number of a row from 1, or false')

const xlsxOptions = options({
  sheet: v.optional(sheetOption),
  headerRow: v.optional(headerOption),
  matchNames: v.optional(oneOf(['exact', 'ignoreCaseAndSpace'])),
})
