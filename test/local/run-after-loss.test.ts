/** In a file of its own, because a function that does not return keeps the memory of the process. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

it('runs again beside a function that never returned when memory allows, and else names what to do', async () => {
  // Two files, so that two threads set up the task, which together need more memory than there is.
  const some = project('', { 'a.csv': 'x\n1\n', 'b.csv': 'x\n2\n' })
  const flag = join(some.folder, 'go')
  const setup = `setup() { const kept = Buffer.alloc(1_200_000_000, 1); while (!existsSync(${JSON.stringify(flag)})) {} return kept },`
  const pipelineText = (line: string): string => `
import { existsSync } from 'node:fs'
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: '{task}' }),
  ${line}
})
export default pipeline({ name: 't', tasks: [t] })
`
  some.write({ 'pipeline.ts': pipelineText(setup) })
  try {
    await expect(some.run({ memoryMb: 600 })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    some.write({ 'pipeline.ts': pipelineText('') })
    const refusal = { code: 'OUT_OF_MEMORY', message: expect.stringContaining('run again in a new process') }
    await expect(some.run({ memoryMb: 600 })).rejects.toMatchObject(refusal)
    expect(await some.run({ memoryMb: 3000 })).toMatchObject({ status: 'complete' })
  } finally {
    writeFileSync(flag, '')
  }
})
