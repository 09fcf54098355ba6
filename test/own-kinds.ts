/** A source and an output as users write them, outside of Fanmill: tables of SQLite. The text of two modules of a project. */

/** Has `tableSource` and `tableSink`; each thread opens a database once. */
export const sqliteTable = `
import { DatabaseSync } from 'node:sqlite'
import { rowsFrom, sink } from 'fanmill'

const databases = new Map<string, DatabaseSync>()
function database(file: string): DatabaseSync {
  let found = databases.get(file)
  if (!found) {
    found = new DatabaseSync(file)
    found.exec('pragma busy_timeout = 20000')
    databases.set(file, found)
  }
  return found
}

/** The rows of a table with ids from 0 to idMax, in pieces. */
export const tableSource = (file: string, table: string, { idMax, pieceRows }: { idMax: number; pieceRows: number }) =>
  rowsFrom({
    partitions: Array.from({ length: Math.ceil((idMax + 1) / pieceRows) }, (_, piece) => piece * pieceRows),
    *rows(first) {
      yield* database(file)
        .prepare('select * from ' + table + ' where id >= ? and id < ?')
        .all(first, first + pieceRows) as object[]
    },
  })

/** Inserts rows into a table, and their keys into another in the same transaction. */
export const tableSink = (file: string, table: string, onWrite: (db: DatabaseSync) => void = () => {}) =>
  sink<{ id: number; price: number | null }>({
    batchRows: 50,
    isDone: ({ key }) => database(file).prepare('select 1 from keys where key = ?').get(key) !== undefined,
    write(rows, { key }) {
      const db = database(file)
      db.exec('begin immediate')
      try {
        const insert = db.prepare('insert into ' + table + ' values (?, ?)')
        for (const { id, price } of rows) insert.run(id, price)
        db.prepare('insert into keys values (?, ?)').run(key, rows.length)
        db.exec('commit')
      } catch (error) {
        db.exec('rollback')
        throw error
      }
      onWrite(db)
    },
  })
`

/** The pipeline copies one table to another, with prices 10 times as high. */
export const copyPipeline = (file: string, { idMax = 499, onWrite = '() => {}' } = {}): string => `
import { column, pipeline, task } from 'fanmill'
import { tableSink, tableSource } from './sqlite-table.ts'
const file = ${JSON.stringify(file)}
export const copy = task({
  name: 'copy',
  source: tableSource(file, 'old', { idMax: ${idMax}, pieceRows: 100 }),
  columns: { id: column.int32({ required: true }), price: column.int32() },
  output: tableSink(file, 'new', ${onWrite}),
}).sql\`select id, price * 10 as price from input\`
export default pipeline({ name: 'copy', tasks: [copy] })
`

/** Statements that create the tables, with `count` rows in the old one. */
export const tables = (count: number): string => `
create table old (id integer primary key, price integer);
create table new (id integer primary key, price integer);
create table keys (key text primary key, rows integer);
insert into old with recursive ids (id) as (select 0 union all select id + 1 from ids where id < ${count - 1})
  select id, id % 7 from ids;
`
