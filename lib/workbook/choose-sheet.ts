/** Finds the sheet of a workbook that is read, and what its cells refer to. */
import type { WorkbookFormat } from '../define/definition.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { readAllXml, type XmlListener } from '../xml/xml-events.ts'
import type { Relationship, WorkbookParts } from './workbook-parts.ts'

/** The parts that reading a sheet needs. */
export interface ChosenSheet {
  readonly name: string
  readonly part: string
  readonly sharedStrings: string | undefined
  readonly styles: string | undefined
  /** Whether dates count from 1904, as workbooks of old Macs do; else from 1900. */
  readonly is1904: boolean
}

interface ListedSheet {
  readonly name: string
  readonly id: string
  readonly isHidden: boolean
}

/** @throws INPUT_INVALID when there is no such sheet, or no workbook */
export async function chooseSheet(
  parts: WorkbookParts,
  { sheet }: Pick<WorkbookFormat, 'sheet'>,
): Promise<ChosenSheet> {
  const workbook = await findWorkbook(parts)
  const { sheets, is1904 } = await readWorkbook(parts, workbook)
  const relationships = await parts.relationships(workbook)
  const isTable = ({ id }: ListedSheet): boolean => relationships.get(id)?.kind === 'worksheet'
  const chosen =
    sheet === undefined
      ? sheets.find(each => !each.isHidden && isTable(each))
      : sheets.find(({ name }, index) => name === sheet || index + 1 === sheet)
  if (!chosen) throw noSheet(sheet, sheets)
  if (!isTable(chosen))
    throw invalidInput(`${JSON.stringify(chosen.name)} to be a sheet of cells`, 'one of another kind')
  const targetOf = (kind: string): string | undefined => byKind(relationships, kind)?.target
  return {
    name: chosen.name,
    part: relationships.get(chosen.id)?.target ?? '',
    sharedStrings: targetOf('sharedStrings'),
    styles: targetOf('styles'),
    is1904,
  }
}

const byKind = (relationships: ReadonlyMap<string, Relationship>, kind: string): Relationship | undefined =>
  Array.from(relationships.values()).find(each => each.kind === kind)

async function findWorkbook(parts: WorkbookParts): Promise<string> {
  const workbook = byKind(await parts.relationships(), 'officeDocument')?.target ?? 'xl/workbook.xml'
  if (workbook.toLowerCase().endsWith('.bin'))
    throw invalidInput('an Excel workbook (xlsx)', 'a binary one (xlsb); save it as .xlsx first')
  if (!parts.has(workbook))
    throw invalidInput(
      'an Excel workbook (xlsx)',
      'a zip archive without a workbook; read its members with zipMembers()',
    )
  return workbook
}

async function readWorkbook(parts: WorkbookParts, workbook: string) {
  const sheets: ListedSheet[] = []
  let is1904 = false
  let isWorkbook = false
  const open: XmlListener['open'] = (name, attribute) => {
    if (name === 'workbook') isWorkbook = true
    if (name === 'workbookPr') is1904 = ['1', 'true'].includes(attribute('date1904') ?? '')
    if (name !== 'sheet') return
    const isHidden = (attribute('state') ?? 'visible') !== 'visible'
    sheets.push({ name: attribute('name') ?? '', id: attribute('id') ?? '', isHidden })
  }
  await readAllXml(parts.streamSmall(workbook), { open, close() {} }, workbook)
  if (!isWorkbook)
    throw invalidInput('an Excel workbook (xlsx)', 'another document of Office; save its table as .xlsx or CSV first')
  return { sheets, is1904 }
}

/** Sheets that a message lists. */
const listedMax = 20

function noSheet(sheet: WorkbookFormat['sheet'], sheets: readonly ListedSheet[]) {
  const names = sheets.map(({ name, isHidden }) => `${JSON.stringify(name)}${isHidden ? ' (hidden)' : ''}`)
  const more = names.length > listedMax ? ` and ${names.length - listedMax} more` : ''
  const got = names.length === 0 ? 'a workbook without sheets' : `${names.slice(0, listedMax).join(', ')}${more}`
  const expected = sheet === undefined ? 'a sheet of cells that is not hidden' : wantedSheet(sheet)
  return invalidInput(expected, `${got}; set sheet in xlsx()`, { sheets: names.slice(0, listedMax) })
}

const wantedSheet = (sheet: string | number): string =>
  typeof sheet === 'number' ? `a workbook of at least ${sheet} sheets` : `a sheet named ${JSON.stringify(sheet)}`
