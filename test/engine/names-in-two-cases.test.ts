/** Names that differ in the case of a letter outside of ASCII, which are two for the engine. */
import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, parquet, sum, task } from '../../lib/define/index.ts'
import { runTask } from '../../lib/testing.ts'

const columns = { Ä: column.int32(), ä: column.int32() }
const definition = (format: ReturnType<typeof csv> | ReturnType<typeof jsonLines>) =>
  task({ name: 't', source: files({ paths: 'x', format }), columns, output: parquet({ path: 't' }) })

describe('columns named Ä and ä', () => {
  it.each([
    ['CSV', csv(), 'Ä,ä\n1,2\n3,x\n'],
    ['JSON lines', jsonLines(), '{"Ä":1,"ä":2}\n{"Ä":3,"ä":"x"}\n'],
  ] as const)('are two columns of %s, also of a reject', async (_, format, text) => {
    const found = await runTask(definition(format).with({ rejects: { max: 1 } }), { files: { x: text } })
    expect(found.rows).toEqual([{ Ä: 1, ä: 2 }])
    expect(found.rejects).toMatchObject([{ column: 'ä', received: 'x' }])
  })

  it('are two columns in steps, conditions and groups', async () => {
    const chosen = definition(csv()).sql`select "ä", "Ä" + 1 as "Ä" from input where "Ä" < 9`
    expect((await runTask(chosen, { files: { x: 'Ä,ä\n1,2\n9,1\n' } })).rows).toEqual([{ Ä: 2, ä: 2 }])
    const summed = definition(csv()).reduce({ by: ['ä'], measures: { Ä: sum('Ä') } })
    expect((await runTask(summed, { files: { x: 'Ä,ä\n1,2\n3,2\n' } })).rows).toEqual([{ ä: 2, Ä: 4n }])
  })

  it('are not found in the other case', async () => {
    const one = task({
      ...{ name: 't', source: files({ paths: 'x', format: csv() }) },
      columns: { ä: column.int32() },
      output: parquet({ path: 't' }),
    })
    await expect(runTask(one.sql`select "Ä" from input`, { files: { x: 'ä\n1\n' } })).rejects.toMatchObject({
      message: expect.stringContaining('unknown column Ä; did you mean ä'),
    })
  })
})
