/** Outputs whose paths move with the code, on a laptop. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { showDataset } from '../../lib/datasets/dataset.ts'
import { openDataset } from '../../lib/index.ts'
import { cleanState } from '../../lib/local/clean-state.ts'
import { loadHashed } from '../../lib/local/pipeline-file.ts'
import { planRun } from '../../lib/local/plans/plan-run.ts'
import { showGraph } from '../../lib/local/plans/show-graph.ts'
import { taskDatasets } from '../../lib/local/task-datasets.ts'
import { findOldSalts, removeOldSalts } from '../../lib/runs/old-salts.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import type { Store } from '../../lib/store/store.ts'
import { type Project, project } from './project.ts'
import { saltedInput, saltedPipeline } from './salted-pipeline.ts'

const some = project(saltedPipeline(), saltedInput)
const edit = (changes: Parameters<typeof saltedPipeline>[0]) => some.write({ 'pipeline.ts': saltedPipeline(changes) })
const params = { year: 2024 }
const run = () => some.run({ task: 'top', params })

const statusesOf = ({ tasks }: Awaited<ReturnType<Project['run']>>) =>
  Object.fromEntries(tasks.map(({ task, status }) => [task, status]))
const pathOf = ({ tasks }: Awaited<ReturnType<Project['run']>>, name: string): string =>
  (tasks.find(({ task }) => task === name)?.output ?? '').slice(some.out.length + 1)

describe('a salted output', () => {
  let first: Awaited<ReturnType<Project['run']>>

  it('is written to a path with a salt, which other tasks read, and is complete there', async () => {
    first = await run()
    expect(pathOf(first, 'totals')).toMatch(/^totals\/2024\/[0-9a-f]{10}$/)
    expect(pathOf(first, 'sales')).toBe('sales/2024')
    expect(await some.rows('top/2024')).toEqual([{ total: 6 }])
    expect(await run()).toMatchObject({ status: 'skipped' })
  })

  it('is named by plan, by graph and by the tables of a pipeline', async () => {
    const file = join(some.folder, 'pipeline.ts')
    const options = { input: some.folder, output: some.out, task: 'top', params }
    const place = join(some.out, pathOf(first, 'totals'))
    expect((await planRun(file, options)).tasks.map(({ status }) => status)).toEqual([
      'complete',
      'complete',
      'complete',
    ])
    expect((await showGraph(file, options)).nodes.find(({ task }) => task === 'totals')?.output).toBe(place)
    expect(taskDatasets(await loadHashed(file), { year: '2024' }, some.out)).toMatchObject({ totals: place })
  })

  it('is found by show from the folder above it, the newest first', async () => {
    await expect(showDataset(join(some.out, 'totals/2024'))).rejects.toMatchObject({
      code: 'DATASET_MISSING',
      message: expect.stringContaining(`below it are, the newest first, ${join(some.out, pathOf(first, 'totals'))}`),
    })
  })

  it('moves when its code changes: the older dataset stays, and is complete again when the code is', async () => {
    edit({ factor: 10 })
    const edited = await run()
    expect(statusesOf(edited)).toEqual({ sales: 'skipped', totals: 'complete', top: 'complete' })
    expect(edited.tasks[1]?.reasons).toEqual([{ kind: 'neverRun', text: 'first run with this code' }])
    expect(pathOf(edited, 'totals')).not.toBe(pathOf(first, 'totals'))
    expect(await some.rows(pathOf(edited, 'totals'))).toEqual([{ total: 60 }])
    expect(await some.rows(pathOf(first, 'totals'))).toEqual([{ total: 6 }])
    expect(await some.rows('top/2024')).toEqual([{ total: 60 }])
    edit({})
    expect(statusesOf(await run())).toEqual({ sales: 'skipped', totals: 'skipped', top: 'complete' })
    expect(await some.rows('top/2024')).toEqual([{ total: 6 }])
  })

  it('moves when the code of what it requires changes, also under a version of its own', async () => {
    edit({ options: "version: '1'," })
    const versioned = await run()
    edit({ options: "version: '1',", factor: 10 })
    expect(pathOf(await run(), 'totals')).toBe(pathOf(versioned, 'totals'))
    edit({ options: "version: '1',", where: 'amount > 1' })
    const upstream = await run()
    expect(statusesOf(upstream)).toEqual({ sales: 'complete', totals: 'complete', top: 'complete' })
    expect(pathOf(upstream, 'totals')).not.toBe(pathOf(versioned, 'totals'))
    expect(await some.rows('top/2024')).toEqual([{ total: 5 }])
  })

  it('stays where it is when its input changes, and has the rows of it', async () => {
    edit({})
    const before = await run()
    some.write({ 'sales/2024.csv': 'shop,amount\na,10\n' })
    const after = await run()
    expect(pathOf(after, 'totals')).toBe(pathOf(before, 'totals'))
    expect(await some.rows('top/2024')).toEqual([{ total: 10 }])
  })

  it('keeps the datasets of older code when state is cleaned', async () => {
    await cleanState({ output: some.out, olderThanDays: 0 })
    expect(some.outputFiles().filter(name => /^totals\/2024\/.*_SUCCESS$/.test(name)).length).toBeGreaterThan(2)
    expect(await run()).toMatchObject({ status: 'skipped' })
  })

  it('loses the datasets of older code when clean is told of the pipeline, once they are old enough', async () => {
    const oldSaltsOf = join(some.folder, 'pipeline.ts')
    const salted = () => some.outputFiles().filter(name => name.startsWith('totals/'))
    const before = salted()
    await cleanState({ output: some.out, oldSaltsOf })
    expect(salted()).toEqual(before)
    const { removed } = await cleanState({ output: some.out, oldSaltsOf, olderThanDays: 0, dryRun: true })
    expect(salted()).toEqual(before)
    await cleanState({ output: some.out, oldSaltsOf, olderThanDays: 0 })
    const kept = pathOf(await run(), 'totals')
    expect(salted()).toEqual(before.filter(name => name.startsWith(kept)))
    const others = before.filter(name => !name.startsWith(kept))
    expect(
      removed
        .map(({ key }) => key)
        .filter(key => key.startsWith('totals/'))
        .sort(),
    ).toEqual(others)
    expect(await run()).toMatchObject({ status: 'skipped' })
    edit({ factor: 10 })
    expect(statusesOf(await run())).toMatchObject({ totals: 'complete' })
  })

  it('is removed whole by the next clean when one ends at any removal, and never shown with parts that are gone', async () => {
    edit({ factor: 50 })
    const old = pathOf(await run(), 'totals')
    edit({ factor: 60 })
    await run()
    const isOld = (_: unknown, path: string): boolean => path === old
    const options = { now: Date.now, olderThanMs: 0, isOld }
    for (let at = 0, isOver = false; !isOver; at++) {
      const out = join(some.folder, `killed-${at}`)
      cpSync(some.out, out, { recursive: true })
      let removals = 0
      const disk = diskStore(out)
      const remove: Store['remove'] = async key => {
        if (removals++ === at) throw new Error('killed')
        return disk.remove(key)
      }
      const store = Object.assign(diskStore(out), { remove })
      const killed = await findOldSalts(store, options)
        .then(found => removeOldSalts(store, found))
        .then(
          () => false,
          () => true,
        )
      const files = (): string[] => (existsSync(join(out, old)) ? readdirSync(join(out, old)) : [])
      if (files().includes('_SUCCESS'))
        expect(await openDataset(join(out, old)).then(({ rows }) => Array.fromAsync(rows()))).toEqual([{ total: 500 }])
      await removeOldSalts(disk, await findOldSalts(disk, options))
      expect(files()).toEqual([])
      expect(await findOldSalts(disk, options)).toEqual([])
      isOver = !killed
      if (isOver) expect(at).toBe(3)
    }
  })

  it('keeps the datasets of another pipeline with a task of that name, and those whose pipeline is not known', async () => {
    edit({ name: 'other', factor: 20 })
    const other = pathOf(await run(), 'totals')
    edit({ factor: 30 })
    const own = pathOf(await run(), 'totals')
    edit({ factor: 40 })
    await run()
    const isRemoved = async (path: string): Promise<boolean> => {
      const oldSaltsOf = join(some.folder, 'pipeline.ts')
      const { removed } = await cleanState({ output: some.out, oldSaltsOf, olderThanDays: 0, dryRun: true })
      return removed.some(({ key }) => key === `${path}/_SUCCESS`)
    }
    expect([some.manifest(other), some.manifest(own)].map(({ runs }) => runs[0]?.pipeline)).toEqual(['other', 'sales'])
    expect([await isRemoved(other), await isRemoved(own)]).toEqual([false, true])
    const success = join(some.out, own, '_SUCCESS')
    writeFileSync(success, readFileSync(success, 'utf8').replace(/"pipeline": ?"sales",/, ''))
    expect(some.manifest(own).runs[0]?.pipeline).toBeUndefined()
    expect(await isRemoved(own)).toBe(false)
  })
})
