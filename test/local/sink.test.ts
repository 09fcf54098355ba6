/** Outputs that the user's code writes, with a real database. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

/** `output` is the text of the options of sink, `more` of further options of the task. */
const pipeline = (output: string, more = '', steps = '') => `
import { appendFileSync, existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { column, csv, files, pipeline, sink, sql, task, TransientError, zipMembers } from 'fanmill'
const beside = name => new URL(name, import.meta.url)
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { id: column.int64({ required: true }), city: column.string() },
  setup: () => {
    const db = new DatabaseSync(new URL('rows.db', import.meta.url).pathname)
    db.exec('pragma busy_timeout = 20000')
    db.exec('create table if not exists rows (id integer primary key, city text)')
    db.exec('create table if not exists keys (key text primary key, rows integer)')
    return { db }
  },
  ${more}
  output: sink({ ${output} }),
})${steps}
export default pipeline({ name: 't', tasks: [t] })
`

/** Inserts or updates by id, and keeps the key of the rows in the same transaction. */
const upsert = `write(rows, { key, state: { db } }) {
  db.exec('begin immediate')
  try {
    const put = db.prepare('insert into rows values (?, ?) on conflict (id) do update set city = excluded.city')
    for (const { id, city } of rows) put.run(id, city)
    db.prepare('insert into keys values (?, ?)').run(key, rows.length)
    db.exec('commit')
  } catch (error) {
    db.exec('rollback')
    throw error
  }
}, isDone: ({ key, state: { db } }) => db.prepare('select 1 from keys where key = ?').get(key) !== undefined`

/** Writes the key and the rows of each call as a line. */
const logged = `write(rows, { key }) {
  const line = JSON.stringify([key, rows.map(row => Object.values(row).join())], (_, value) => typeof value === 'bigint' ? Number(value) : value)
  appendFileSync(beside('calls'), line + '\\n')
}`

interface Call {
  readonly piece: string
  readonly rows: readonly string[]
}

/** The calls in order of their keys, without the run. */
const callsOf = ({ folder }: Project): Call[] =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as [string, string[]])
    .map(([key, rows]) => ({ piece: key.split('/').slice(1).join('/'), rows }))
    .sort((a, b) => a.piece.localeCompare(b.piece))

function inDatabase<Row>({ folder }: Project, query: string): Row[] {
  const db = new DatabaseSync(join(folder, 'rows.db'))
  try {
    return db.prepare(query).all() as Row[]
  } finally {
    db.close()
  }
}

const csvOf = (first: number, count: number, city = 'Oslo'): string =>
  `id,city\n${Array.from({ length: count }, (_, index) => `${first + index},${city}\n`).join('')}`

describe('sink', () => {
  it('loads each row into a database, in calls of batchRows rows, and is complete then', async () => {
    const some = project(pipeline(`${upsert}, batchRows: 100`), {
      'in/a.csv': csvOf(0, 250),
      'in/b.csv': csvOf(1000, 120, 'Rome'),
    })
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 370 }] })
    expect(inDatabase(some, 'select city, count(*) as n from rows group by city order by city')).toEqual([
      { city: 'Oslo', n: 250 },
      { city: 'Rome', n: 120 },
    ])
    expect(inDatabase(some, 'select count(*) as n, max(rows) as most from keys')).toEqual([{ n: 5, most: 100 }])
    expect(await some.run()).toMatchObject({ status: 'skipped' })
    expect([some.outputFiles(), some.leftovers()]).toEqual([[], []])
  })

  it('loads nothing twice when a run that failed half way is run again', async () => {
    const failing = `${upsert.replace("db.exec('begin immediate')", "if (rows[0].id === 200n && existsSync(beside('fails'))) throw new Error('no more room')\n  db.exec('begin immediate')")}, batchRows: 100`
    const some = project(pipeline(failing), { 'in/a.csv': csvOf(0, 400), fails: '' })
    expect(await some.run()).toMatchObject({ status: 'failed', tasks: [{ status: 'failed' }] })
    expect(inDatabase(some, 'select count(*) as n from rows')).toEqual([{ n: 200 }])
    const keys = inDatabase<{ key: string }>(some, 'select key from keys')
    rmSync(join(some.folder, 'fails'))
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 400 }] })
    // Keys are unique in the table: a second insert of a key would fail.
    expect(inDatabase(some, 'select count(*) as n, sum(rows) as rows from keys')).toEqual([{ n: 4, rows: 400 }])
    expect(inDatabase<{ key: string }>(some, 'select key from keys')).toEqual(expect.arrayContaining(keys))
  })

  it('names the same rows by the same key when a run continues on another number of workers', async () => {
    // The function reads the member of some rows only, and the members have two kinds of newlines.
    const steps = `.mapRows((row, { member }) => (row.id % 3n === 0n ? { city: member } : row))`
    const source = `source: zipMembers({ paths: 'in/*.zip', members: '*.csv', format: csv() }),`
    const members = Array.from({ length: 12 }, (_, index) => {
      const text = csvOf(index * 1000 + (index < 6 ? 1 : 0), index < 6 ? 1 : 40)
      return [`m${index}.csv`, index % 2 ? text : text.replaceAll('\n', '\r\n')]
    })
    const zip = buildZip(Object.fromEntries(members))
    const failing = `${logged.replace('{\n', "{\n  if (existsSync(beside('fails')) && rows.some(row => row.id === 11_030n)) throw new Error('no more')\n")}, batchRows: 7`
    const some = project(pipeline(failing, source, steps), { 'in/a.zip': zip, 'in/b.zip': zip, fails: '' })
    expect(await some.run({ workers: 1 })).toMatchObject({ status: 'failed' })
    const before = callsOf(some)
    rmSync(join(some.folder, 'fails'))
    rmSync(join(some.folder, 'calls'))
    expect(await some.run({ workers: 2 })).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 492 }] })
    const after = callsOf(some)
    expect(after.flatMap(call => call.rows)).toHaveLength(492)
    const again = new Map(after.map(({ piece, rows }) => [piece, rows]))
    expect(before.length).toBeGreaterThan(10)
    expect(before.map(({ piece }) => [piece, again.get(piece)])).toEqual(before.map(call => [call.piece, call.rows]))
  })

  it('gives text that inflates to many times its size in the order of its records', async () => {
    const rows = 60_000
    const text = `id,city\n${Array.from({ length: rows }, (_, id) => `${id},${'x'.repeat(600)}\n`).join('')}`
    const counted = `write(rows, { key }) {
      appendFileSync(beside('calls'), JSON.stringify([key, [Number(rows[0].id), Number(rows.at(-1).id)]]) + '\\n')
    }, batchRows: 10_000`
    const some = project(pipeline(counted).replace('*.csv', '*.gz'), { 'in/a.csv.gz': gzipSync(text) })
    expect(await some.run({ workers: 2 })).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: rows }] })
    expect(callsOf(some)).toEqual(
      Array.from({ length: 6 }, (_, at) => ({ piece: `1/0/0-${at}`, rows: [at * 10_000, at * 10_000 + 9999] })),
    )
  })

  it('tries a call again after a transient error', async () => {
    const shaky = `write(rows, context) {
      if (existsSync(beside('shaky'))) { rmSync(beside('shaky')); throw new TransientError('STORE_FAILED', 'busy') }
      appendFileSync(beside('calls'), JSON.stringify([context.key, rows.map(row => row.city)]) + '\\n')
    }`
    const some = project(pipeline(shaky), { 'in/a.csv': csvOf(0, 3), shaky: '' })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(callsOf(some)).toEqual([{ piece: '1/0/0-0', rows: ['Oslo', 'Oslo', 'Oslo'] }])
  })

  it('fails with SINK_FAILED and the key when the function throws', async () => {
    const some = project(pipeline(`write() { throw new Error('no such table') }`), { 'in/a.csv': csvOf(0, 3) })
    const { error } = await some.run()
    expect(error).toMatchObject({ code: 'SINK_FAILED', detail: { task: 't', rows: 3, received: 'no such table' } })
    expect(error?.message).toMatch(/^task t: write\(\) failed for the 3 rows of key [0-9a-f]{16}\/1\/0\/0-0/)
  })

  it('writes no row that is rejected, and counts rejects against their limit', async () => {
    const some = project(pipeline(logged, 'rejects: { max: 1 },'), {
      'in/a.csv': 'id,city\n1,Oslo\nx,Rome\n3,Bern\n',
    })
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 2, rowsRejected: 1 }] })
    expect(callsOf(some).flatMap(call => call.rows)).toEqual(['1,Oslo', '3,Bern'])
  })

  it('writes only the rows of new inputs with mode append', async () => {
    const some = project(pipeline(`${logged}, mode: 'append'`), { 'in/a.csv': csvOf(1, 2) })
    await some.run()
    some.write({ 'in/b.csv': csvOf(5, 1) })
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 1 }] })
    expect(
      callsOf(some)
        .flatMap(call => call.rows)
        .sort(),
    ).toEqual(['1,Oslo', '2,Oslo', '5,Oslo'])
  })

  it('calls the function at most concurrency times at once', async () => {
    const one = `concurrency: 1, async write() {
      appendFileSync(beside('calls'), 'begin ')
      await new Promise(resolve => setTimeout(resolve, 20))
      appendFileSync(beside('calls'), 'end ')
    }`
    const some = project(pipeline(one), { 'in/a.csv': csvOf(0, 3), 'in/b.csv': csvOf(0, 3), 'in/c.csv': csvOf(0, 3) })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(readFileSync(join(some.folder, 'calls'), 'utf8')).toBe('begin end '.repeat(3))
  })
})
