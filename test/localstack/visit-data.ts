/** Archives of visits for the pipeline of their-app.ts: enough text for several batches of two slices each. */
import { buildZip } from '../zip-builder.ts'

export const membersCount = 16
const rowsPerMember = 6000
const cities = ['Ulm', 'Graz', 'Bern']
const note = 'a'.repeat(70)

export interface Visit {
  readonly member: number
  readonly row: number
  readonly city: string
  readonly note: string
  readonly place: string
}

/** Makes an archive; the member `bad` has the checksum of another one. */
export function visitsArchive({ bad }: { readonly bad?: number } = {}): Buffer {
  const members = Array.from({ length: membersCount }, (_, member) => ({
    name: `${member}.csv`,
    data: csvOf(member),
    ...(member === bad && { declared: { crc32: 1 } }),
  }))
  return buildZip(members)
}

/** Returns the rows that the pipeline writes, in the order of `rowsOf`. */
export function expectedVisits(): Visit[] {
  const rows = Array.from({ length: membersCount }, (_, member) => visitsOf(member)).flat()
  const texts = new Map(rows.map(row => [row, JSON.stringify(row)]))
  return rows.sort((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1))
}

const visitsOf = (member: number): Visit[] =>
  Array.from({ length: rowsPerMember }, (_, row) => {
    const city = cities[row % cities.length] ?? ''
    return { member, row, note, place: `${member}/${row}`, city }
  })

const csvOf = (member: number): string =>
  ['member,row,city,note', ...visitsOf(member).map(({ row, city }) => `${member},${row},${city},${note}`), ''].join(
    '\n',
  )
