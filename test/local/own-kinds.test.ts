/** A source and an output of the user, in a process of their own that is killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { copyPipeline, sqliteTable, tables } from '../own-kinds.ts'
import { project } from './project.ts'

const url = (path: string) => JSON.stringify(new URL(`../../lib/${path}`, import.meta.url).href)

it('loads each row once into a database when a run is killed and started again', async () => {
  const some = project('', { 'sqlite-table.ts': sqliteTable })
  const file = join(some.folder, 'rows.db')
  const db = new DatabaseSync(file)
  db.exec('pragma busy_timeout = 20000')
  db.exec(tables(500))
  const counts = () => db.prepare('select count(*) as n, sum(price) as price from new').get()
  // Each call takes a while after its transaction, so that the process is killed between two.
  const onWrite = '() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)'
  some.write({ 'pipeline.ts': copyPipeline(file, { onWrite }) })
  writeFileSync(
    join(some.folder, 'main.mjs'),
    `import { run } from ${url('index.ts')}
await run('pipeline.ts', { input: '.', output: 'out', workers: 2 })`,
  )
  const child = spawn(process.execPath, ['main.mjs'], { cwd: some.folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const closed = once(child, 'close')
  while (child.exitCode === null && (db.prepare('select count(*) as n from keys').get() as { n: number }).n < 3)
    await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGKILL')
  expect(await closed).toEqual([null, 'SIGKILL'])
  expect((counts() as { n: number }).n).toBeLessThan(500)
  // Another number of workers; an id that is inserted twice would fail the run.
  expect(await some.run({ workers: 1 })).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 500 }] })
  expect(counts()).toEqual({ n: 500, price: 14_940 })
  expect(db.prepare('select count(*) as n, sum(rows) as rows from keys').get()).toEqual({ n: 10, rows: 500 })
  db.close()
})
