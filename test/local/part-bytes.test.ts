/** Parts come near `partBytes`, and are not much larger, whatever rows weigh. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const rowCount = 60_000
/** Some 300 bytes a row that do not compress much. */
const text = `id,side,noise\n${Array.from({ length: rowCount }, (_, id) => {
  const noise = createHash('sha512').update(String(id)).digest('hex')
  return `${id},${id % 2 === 0 ? 'left' : 'right'},${noise}${noise.toUpperCase()}\n`
}).join('')}`

const of = (output: string) =>
  project(
    `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { id: column.int32(), side: column.string(), noise: column.string() },
  output: parquet({ path: '{task}', partBytes: 1_000_000, ${output} }),
})
export default pipeline({ name: 't', tasks: [t] })
`,
    { 'a.csv': text },
  )

it.each([
  ['without partitions', ''],
  ['with partitions', "partitionBy: ['side']"],
  ['sorted, without partitions', "sortBy: ['noise']"],
])('splits what is too large into parts of like size: %s', async (_, output) => {
  const { run, manifest } = of(output)
  expect((await run()).status).toBe('complete')
  const { parts, totals } = manifest('t')
  expect(totals.rows).toBe(rowCount)
  expect(parts.length).toBeGreaterThan(5)
  expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(rowCount)
  for (const part of parts) expect(part.bytes).toBeLessThan(1_250_000)
  // The last one of each is what is left.
  expect(parts.filter(part => part.bytes < 500_000).length).toBeLessThanOrEqual(2)
})
