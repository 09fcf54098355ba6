import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEngine } from '../../../lib/duckdb/engine.ts'
import { joinAccounts, writeAccounts } from '../../../lib/engine/write/write-accounts.ts'
import { rowsOf } from '../converting.ts'

it('joins the accounts of several groups as they are, in a folder whose name looks like a partition too', async () => {
  const root = mkdtempSync(join(tmpdir(), 'fanmill-accounts-'))
  const folder = join(root, 'env=prod')
  mkdirSync(folder)
  const engine = await openEngine({ folders: [root], tempFolder: join(root, 'spill'), memoryBytes: 128 * 1024 * 1024 })
  try {
    const accounts = ['a.csv', 'b.csv'].map(member => ({ archive: 'x.zip', member, records: 2, rejected: 1 }))
    const files = accounts.map((_, index) => join(folder, `${index}.parquet`))
    for (const [index, account] of accounts.entries())
      await writeAccounts(engine, [account], { staged: join(folder, 'lines.jsonl'), target: files[index]! })
    await joinAccounts(engine, files, join(folder, 'all.parquet'))
    expect(await rowsOf([join(folder, 'all.parquet')])).toEqual(
      ['a.csv', 'b.csv'].map(member => ({ archive: 'x.zip', member, records: '2', rejected: '1' })),
    )
  } finally {
    engine.close()
    rmSync(root, { recursive: true })
  }
})
