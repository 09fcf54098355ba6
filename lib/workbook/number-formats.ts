/** Finds by the number formats of a workbook which numbers are dates, and which are durations. */
import { readAllXml, type XmlListener } from '../xml/xml-events.ts'
import type { WorkbookParts } from './workbook-parts.ts'

/** The meaning of a number: a date with or without time, or a duration such as 36:00:00. */
export type NumberKind = 'date' | 'duration' | undefined

/** Returns the kind of the numbers of each style, by its index. */
export async function readNumberKinds(parts: WorkbookParts, part: string | undefined): Promise<readonly NumberKind[]> {
  const kinds: NumberKind[] = []
  if (part === undefined) return kinds
  const codes = new Map<number, string>()
  let isStyle = false
  const open: XmlListener['open'] = (name, attribute) => {
    if (name === 'numFmt') codes.set(Number(attribute('numFmtId')), attribute('formatCode') ?? '')
    if (name === 'cellXfs') isStyle = true
    if (name !== 'xf' || !isStyle) return
    const id = Number(attribute('numFmtId') ?? 0)
    const code = codes.get(id)
    kinds.push(code === undefined ? builtIn(id) : kindOfCode(code))
  }
  const close = (name: string): void => {
    if (name === 'cellXfs') isStyle = false
  }
  await readAllXml(parts.streamSmall(part), { open, close }, part)
  return kinds
}

/** Returns the kind of the formats that every workbook has (ECMA-376, part 1, 18.8.30); those from 27 on are of East Asian languages. */
function builtIn(id: number): NumberKind {
  if (id === 46) return 'duration'
  const isDate = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58)
  return isDate ? 'date' : undefined
}

/** Returns the kind of a format by its code, without what it shows as it is written, colours and conditions. */
export function kindOfCode(code: string): NumberKind {
  const plain = code.replace(/"[^"]*"?|[\\_*]./g, '')
  const [section = ''] = plain.split(';')
  if (/\[(h+|m+|s+)\]/i.test(section)) return 'duration'
  const letters = section.replace(/\[[^\]]*\]|general/gi, '')
  return /[dmyhs]/i.test(letters) ? 'date' : undefined
}
