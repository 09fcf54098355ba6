/** Datasets by their manifest. */
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { headDataset, showDataset } from '../../lib/datasets/dataset.ts'
import { sql } from '../../lib/define/index.ts'
import { openDataset } from '../../lib/index.ts'
import { folderOf } from '../cli/fanmill.ts'
import { type Project, tripsProject } from '../local/trips.ts'

const all = [
  { id: 1n, city: 'Oslo', day: '2001-01-01', price: '1.50' },
  { id: 2n, city: 'Rome', day: '2001-01-02', price: '2.00' },
  { id: 3n, city: 'Bern', day: null, price: null },
]

/** Every file below a folder with its content. */
const filesWithContent = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name))
      .map(file => [file, readFileSync(file, 'base64')]),
  )

async function rowsOf(folder: string, options?: Parameters<Awaited<ReturnType<typeof openDataset>>['rows']>[0]) {
  const rows: Record<string, unknown>[] = []
  for await (const row of (await openDataset(folder)).rows(options)) rows.push(row)
  return rows
}

describe('a committed dataset', () => {
  let project: Project
  beforeAll(async () => {
    project = tripsProject()
    expect((await project.run()).error).toBeUndefined()
  })

  it('returns typed rows with their partition values', async () => {
    const rows = await rowsOf(project.dataset)
    expect(rows).toHaveLength(3)
    expect(rows).toEqual(expect.arrayContaining(all))
  })

  it('returns chosen columns of rows that fit a condition with bound values', async () => {
    const where = sql`day = ${'2001-01-02'} and city <> ${"' or true --"}`
    expect(await rowsOf(project.dataset, { columns: ['city', 'day'], where })).toEqual([
      { city: 'Rome', day: '2001-01-02' },
    ])
  })

  it('shows its manifest', async () => {
    const { schema, partitionBy, totals, parts } = await showDataset(project.dataset)
    expect(schema).toEqual([
      { name: 'id', type: 'BIGINT' },
      { name: 'city', type: 'VARCHAR' },
      { name: 'day', type: 'DATE' },
      { name: 'price', type: 'DECIMAL(6,2)' },
    ])
    expect({ partitionBy, rows: totals.rows, parts: parts.length }).toEqual({ partitionBy: ['day'], rows: 3, parts: 3 })
  })

  it('prints first rows as texts, null as null', async () => {
    const { columns, rows } = await headDataset(project.dataset, { columns: ['price', 'id'], where: 'id >= 2' })
    expect(columns).toEqual(['price', 'id'])
    expect(rows).toHaveLength(2)
    expect(rows).toEqual(
      expect.arrayContaining([
        ['2.00', '2'],
        [null, '3'],
      ]),
    )
    expect((await headDataset(project.dataset, { rows: 1 })).rows).toHaveLength(1)
  })

  it('names the nearest column for an unknown one', async () => {
    await expect(headDataset(project.dataset, { columns: ['cty'] })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('did you mean city'),
    })
  })

  it('names the nearest column for one that a condition misspells', async () => {
    await expect(headDataset(project.dataset, { where: "ctiy = 'Ulm'" })).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: 'where: unknown column ctiy; did you mean city',
    })
  })

  it.each([
    ['id >'],
    ["id in (select count(*) from read_text('/etc/hostname'))"],
    ['id in (select id from dataset)'],
    ["id in (select id from '*.parquet')"],
    ["current_setting('threads') = '1'"],
    ['true) or (true'],
    ['true limit 1'],
    ["true); copy (select 9 as id) to 'DATASET/evil.parquet'; select * from (select 1 as id) where (true"],
    ["true); copy (select 666::bigint as id) to 'PART'; select * from (select 1 as id) where (true"],
  ])('refuses the condition %s, and leaves the dataset as it is', async condition => {
    const part = join(project.dataset, (await showDataset(project.dataset)).parts[0]?.key ?? '')
    const where = condition.replace('DATASET', project.dataset).replace('PART', part)
    const before = filesWithContent(project.dataset)
    await expect(headDataset(project.dataset, { where })).rejects.toMatchObject({ code: 'SQL_INVALID' })
    const step = sql({})([where] as unknown as TemplateStringsArray)
    await expect(rowsOf(project.dataset, { where: step })).rejects.toMatchObject({ code: 'SQL_INVALID' })
    expect(filesWithContent(project.dataset)).toEqual(before)
  })

  it('is read by its manifest, which ignores other files in its folder', async () => {
    writeFileSync(join(project.dataset, 'stray.parquet'), 'not even Parquet')
    expect(await rowsOf(project.dataset)).toHaveLength(3)
    rmSync(join(project.dataset, 'stray.parquet'))
  })

  it('is read from a copy without its state', async () => {
    const copy = join(folderOf({}), 'copy')
    cpSync(project.dataset, copy, { recursive: true })
    expect(await rowsOf(copy)).toHaveLength(3)
  })

  it('fails with DATASET_REPLACED when it was committed again while it is read', async () => {
    const opened = await openDataset(project.dataset)
    await project.run({ force: true })
    const read = async () => {
      for await (const _ of opened.rows());
    }
    await expect(read()).rejects.toMatchObject({ code: 'DATASET_REPLACED' })
    expect(await rowsOf(project.dataset)).toHaveLength(3)
  })

  it('fails with DATASET_REPLACED when `_SUCCESS` is of another generation than the head', async () => {
    const file = join(project.dataset, '_SUCCESS')
    const manifest = await showDataset(project.dataset)
    writeFileSync(file, JSON.stringify({ ...manifest, generation: manifest.generation - 1 }))
    await expect(showDataset(project.dataset)).rejects.toMatchObject({ code: 'DATASET_REPLACED' })
    writeFileSync(file, JSON.stringify(manifest))
  })
})

describe('no dataset', () => {
  it.each([
    ['where there is nothing', {}, /it has no _SUCCESS/],
    ['where only parts are', { 'part.parquet': 'x' }, /it has no _SUCCESS/],
    ['where `_SUCCESS` is of another program', { _SUCCESS: '' }, /another program/],
  ])('is found %s', async (_, files, message) => {
    await expect(showDataset(folderOf(files))).rejects.toMatchObject({
      code: 'DATASET_MISSING',
      message: expect.stringMatching(message),
    })
  })

  it('fails with DATASET_MISSING and the name of a part that is gone', async () => {
    const project = tripsProject()
    await project.run()
    const part = readdirSync(project.dataset, { recursive: true, encoding: 'utf8' }).find(name =>
      name.endsWith('.parquet'),
    )
    rmSync(join(project.dataset, part!))
    await expect(rowsOf(project.dataset)).rejects.toMatchObject({
      code: 'DATASET_MISSING',
      message: expect.stringContaining(part!),
    })
  })

  it('fails with DATASET_DAMAGED and the name of a part of the wrong size, at the latest when its rows are read', async () => {
    const project = tripsProject()
    await project.run()
    const whole = await openDataset(project.dataset)
    const part = whole.parts[0]!
    appendFileSync(join(project.dataset, part.key), 'x')
    const damaged = {
      code: 'DATASET_DAMAGED',
      message: expect.stringContaining(`part ${part.key} with ${part.bytes} bytes`),
      detail: expect.objectContaining({ foundBytes: part.bytes + 1 }),
    }
    await expect(openDataset(project.dataset)).rejects.toMatchObject(damaged)
    await expect(headDataset(project.dataset)).rejects.toMatchObject(damaged)
    const read = async () => {
      for await (const _ of whole.rows());
    }
    await expect(read()).rejects.toMatchObject(damaged)
  })
})
