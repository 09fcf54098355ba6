/** A source and an output of the user, in Lambda functions. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it, vi } from 'vitest'
import { copyPipeline, sqliteTable, tables } from '../own-kinds.ts'
import { Account, pipelineText } from './account.ts'
import { executeAsset } from './asset-execution.ts'

// The asset is made in this process, of the sources.
vi.unmock('../../lib/bundle/entry-url.ts')

let account: Account
afterEach(() => account.close())

/** Opens an account whose pipeline copies a table of 500 rows. */
async function copying(): Promise<{ db: DatabaseSync }> {
  account = await Account.open(pipelineText())
  await account.write('sqlite-table.ts', sqliteTable)
  const file = join(account.folder, 'rows.db')
  const db = new DatabaseSync(file)
  db.exec(tables(500))
  await account.deploy(copyPipeline(file))
  return { db }
}

const count = 'select count(*) as n, sum(new.price) as price, sum(old.price) as old from old left join new using (id)'

it('copies a table by the batches of an execution, and starts no second run', async () => {
  const { db } = await copying()
  expect(await account.execute('copy', { params: {} })).toMatchObject({ status: 'planned' })
  expect(db.prepare(count).get()).toEqual({ n: 500, price: 14_940, old: 1494 })
  expect(await account.execute('copy', { params: {} })).toMatchObject({ status: 'complete', batches: [] })
})

it('copies a table when bundled, in a process with nothing of the repository', async () => {
  const { db } = await copying()
  const lines = (await executeAsset(account, 'copy', { params: {} })).trim().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ done: true, shipped: '' })
  expect(db.prepare(count).get()).toEqual({ n: 500, price: 14_940, old: 1494 })
})
