/** A large text whose quoted fields hold whole tables, just where it is cut. */
import { beforeAll, describe, expect, it } from 'vitest'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const sizeBytes = 34 * 2 ** 20
/** Slices that plan makes of a file of this size for two threads: four a thread. */
const sliceCount = 8

const pipeline = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { id: column.int32(), text: column.string(), other: column.string() },
  output: parquet({ path: '{task}' }),
})
export default pipeline({ name: 't', tasks: [t] })
`

/** A field of about 100 kB which is a table of three columns itself. */
const table = Array.from({ length: 6000 }, (_, n) => `${n},""x"",y${n}\n`).join('')

/** Exactly `sizeBytes`, with a table over each cut. */
function misleading(): { readonly text: string; readonly rows: number } {
  const pieces = ['id,text,other\n']
  let bytes = pieces[0]!.length
  let rows = 0
  const add = (text: string): void => {
    pieces.push(text)
    bytes += text.length
    rows++
  }
  for (let cut = 1; cut <= sliceCount; cut++) {
    const at = Math.floor((sizeBytes * cut) / sliceCount)
    while (bytes < at - table.length / 2) add(`${rows},plain text of a row,z\n`)
    if (cut < sliceCount) add(`${rows},"${table}",z\n`)
  }
  const last = `${rows},,`
  add(`${last}${'z'.repeat(sizeBytes - bytes - last.length - 1)}\n`)
  return { text: pieces.join(''), rows }
}

describe('a text that misleads where it is cut', () => {
  let given: ReturnType<typeof misleading>
  beforeAll(() => {
    given = misleading()
  })

  it.each([
    ['one batch', 256 * 2 ** 20],
    ['a batch a slice', 2 ** 20],
  ])('gives each of its rows once, in %s', async (_, groupBytes) => {
    expect(given.text.length).toBe(sizeBytes)
    const some = project(pipeline, { 'a.csv': given.text })
    const { status, error, tasks } = await some.run({}, { groupBytes })
    expect(error).toBeUndefined()
    expect(status).toBe('complete')
    expect(tasks[0]).toMatchObject({ rowsRead: given.rows, rowsWritten: given.rows, rowsRejected: 0, members: 1 })
    expect(some.leftovers()).toEqual([])
  })
})
