/** In a file of its own, because functions that do not return keep the memory of the process. */
import { expect, it } from 'vitest'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

it('fails with OUT_OF_MEMORY when setup allocates memory without end, and the process survives', async () => {
  const some = project(
    `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
  setup() { const all: number[][] = []; for (;;) all.push(new Array(100_000).fill(1.5)) },
})
export default pipeline({ name: 't', tasks: [t] })
`,
    { 'a.csv': 'x\n1\n' },
  )
  await expect(some.run({ memoryMb: 600 })).rejects.toMatchObject({ name: 'CapacityError', code: 'OUT_OF_MEMORY' })
})
