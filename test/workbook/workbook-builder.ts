/** Builds Excel workbooks part by part, honest or hostile, for tests. */
import { buildZip, type MemberSpec } from '../zip-builder.ts'

export interface WorkbookSpec {
  /** The XML between the tags `sheetData`, or a whole document. */
  readonly rows?: string
  /** Elements `sheet`; default one that is visible. */
  readonly sheets?: string
  readonly workbookPr?: string
  /** Items of the shared texts; none without them. */
  readonly strings?: readonly string[]
  /** Number formats of the styles from 0 on; text is a format's code. */
  readonly formats?: readonly (number | string)[]
  /** Parts in place of those that are built; undefined leaves one out. */
  readonly parts?: Readonly<Record<string, string | Omit<MemberSpec, 'name'> | undefined>>
}

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
const relationships = (...items: readonly (readonly [string, string, string])[]): string =>
  `${head}<Relationships>${items.map(([id, kind, target]) => `<Relationship Id="${id}" Type="${office}/${kind}" Target="${target}"/>`).join('')}</Relationships>`

export function buildWorkbook({
  rows = '',
  sheets = '<sheet name="Sheet1" sheetId="1" r:id="rId1"/>',
  workbookPr = '',
  strings = [],
  formats = [0],
  parts = {},
}: WorkbookSpec): Buffer {
  const codes = formats.map((format, index) => (typeof format === 'string' ? { id: 164 + index, format } : undefined))
  const numFmts = codes.map(code =>
    code ? `<numFmt numFmtId="${code.id}" formatCode="${code.format.replaceAll('"', '&quot;')}"/>` : '',
  )
  const xfs = formats.map((format, index) => `<xf numFmtId="${codes[index]?.id ?? format}"/>`)
  const all: Readonly<Record<string, string | Omit<MemberSpec, 'name'> | undefined>> = {
    '[Content_Types].xml': `${head}<Types/>`,
    '_rels/.rels': relationships(['rId1', 'officeDocument', 'xl/workbook.xml']),
    'xl/workbook.xml': `${head}<workbook ${main} xmlns:r="${office}">${workbookPr}<sheets>${sheets}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relationships(
      ['rId1', 'worksheet', 'worksheets/sheet1.xml'],
      ['rId2', 'worksheet', '/xl/worksheets/sheet2.xml'],
      ['rId3', 'chartsheet', 'chartsheets/sheet1.xml'],
      ['rId4', 'styles', 'styles.xml'],
      ...(strings.length > 0 ? [['rId5', 'sharedStrings', 'sharedStrings.xml'] as const] : []),
    ),
    'xl/styles.xml': `${head}<styleSheet ${main}><numFmts>${numFmts.join('')}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${xfs.join('')}</cellXfs></styleSheet>`,
    'xl/sharedStrings.xml': `${head}<sst ${main}>${strings.map(each => `<si>${each}</si>`).join('')}</sst>`,
    'xl/worksheets/sheet1.xml': rows.startsWith('<?xml') ? rows : sheet(rows),
    'xl/worksheets/sheet2.xml': sheet(
      '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>',
    ),
    ...parts,
  }
  return buildZip(
    Object.entries(all).flatMap(([name, part]) =>
      part === undefined ? [] : [typeof part === 'string' ? { name, data: part } : { name, ...part }],
    ),
  )
}

const sheet = (rows: string): string => `${head}<worksheet ${main}><sheetData>${rows}</sheetData></worksheet>`

/** Writes a row of cells: `[1, 's:3', 'text']` are a number, the shared text 3 and an inline text; `style/45292` has a style. */
export function row(number: number, ...cells: readonly (string | number | boolean | undefined)[]): string {
  const written = cells.map((cell, index) => {
    const place = `r="${String.fromCharCode(65 + index)}${number}"`
    if (cell === undefined) return ''
    if (typeof cell === 'boolean') return `<c ${place} t="b"><v>${cell ? 1 : 0}</v></c>`
    if (typeof cell === 'number') return `<c ${place}><v>${cell}</v></c>`
    const [, kind = '', value = ''] = /^(s:|e:|f:|\d+\/)?(.*)$/s.exec(cell) ?? []
    if (kind === 's:') return `<c ${place} t="s"><v>${value}</v></c>`
    if (kind === 'e:') return `<c ${place} t="e"><f>A1</f><v>${value}</v></c>`
    if (kind === 'f:') return `<c ${place} t="str"><f>A1</f><v>${value}</v></c>`
    if (kind !== '') return `<c ${place} s="${kind.slice(0, -1)}"><v>${value}</v></c>`
    return `<c ${place} t="inlineStr"><is><t xml:space="preserve">${value}</t></is></c>`
  })
  return `<row r="${number}">${written.join('')}</row>`
}
