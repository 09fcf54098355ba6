/** Logs and failures of executions have the place and the reason and quote no row; the state has everything. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { logger } from '../../lib/lambda/telemetry.ts'
import type { Members } from '../zip-builder.ts'
import { Account, pipelineText } from './account.ts'
import { listen } from './listen.ts'

const month = '2001-01'
const value = 'private'
const texts = 'columns: { x: column.string(), y: column.int32() },'
const asText: Members = { 'a.csv': `x,y\n1,2\n${value},2\n` }
let account: Account
afterEach(() => account.close())

interface Case {
  readonly what: string
  readonly task: string
  readonly steps: string
  readonly members: Members
  readonly table?: string
  readonly says: RegExp
}

const cases: readonly Case[] = [
  {
    what: 'a value of a broadcast table that does not fit its column',
    task: `tables: { t: table('t.csv', csv(), { k: column.int32() }) },`,
    steps: `.sql\`select i.* from input i, t\``,
    members: { 'a.csv': 'x,y\n1,2\n' },
    table: `k\n${value}\n`,
    says: /INPUT_INVALID table t, row 1: column k: expected int32/,
  },
  {
    what: 'a record of a broadcast table with other fields than its header',
    task: `tables: { t: table('t.csv', csv()) },`,
    steps: `.sql\`select i.* from input i, t\``,
    members: { 'a.csv': 'x,y\n1,2\n' },
    table: `k,l\n1,2\n3,${value},4\n`,
    says: /INPUT_INVALID table t: Invalid Input Error on line 3/,
  },
  {
    what: 'a value that a statement cannot convert',
    task: `${texts}`,
    steps: `.sql\`select cast(x as integer) as x, y from input\``,
    members: asText,
    says: /TRANSFORM_FAILED .*a\.zip, member a\.csv, line 3: the transform's SQL failed: Conversion Error/,
  },
  {
    what: 'a value that a function gives for a column of another type',
    task: `${texts}`,
    steps: `.mapRows(row => ({ ...row, z: Number(row.x) || row.x }), { adds: { z: column.float64() } })`,
    members: asText,
    says: /TRANSFORM_FAILED .*a\.zip, member a\.csv, line 3: column z: expected a number, got a value of type string/,
  },
  {
    what: 'a text that a function cannot parse',
    task: `${texts}`,
    steps: `.mapRows(row => ({ ...row, x: String(JSON.parse(row.x)) }))`,
    members: asText,
    says: /TRANSFORM_FAILED .*a\.zip, member a\.csv, line 3: the mapRows function threw a SyntaxError/,
  },
]

it.each(cases)(
  '$what is left out of logs and errors, and kept in the state',
  async ({ task, steps, members, table, says }) => {
    account = await Account.open(pipelineText({ task, steps }))
    await account.upload(`incoming/${month}/a.zip`, members)
    if (table) await account.write('input/t.csv', table)
    const log = listen()
    logger.setLogLevel('INFO')
    const { error, run } = await account.execute('points', { params: { month } })
    logger.setLogLevel('SILENT')
    const logged = log()
    expect(error?.message).toMatch(/^BATCHES_FAILED 1 of 1 batches/)
    expect(error?.message).toMatch(says)
    expect(logged).toMatch(says)
    for (const text of [logged, JSON.stringify({ ...error }), String(error?.stack), String(error?.cause)])
      expect(text).not.toContain(value)
    const folder = join(account.folder, `output/.fanmill/runs/${run?.runId}/${run?.attempt}`)
    const [failure] = await readdir(join(folder, 'failures'))
    expect(await readFile(join(folder, 'failures', failure!), 'utf8')).toContain(value)
    expect(await readFile(join(folder, 'end.json'), 'utf8')).toContain(value)
  },
)
