/** Executions that bring code of their own, which the functions run in place of the deployed code. */
import { glob, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { assetNames } from '../../lib/aws/lambda-events.ts'
import { type ShipFacts, shipFactsOf } from '../../lib/aws/ship-facts.ts'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { rowVersions } from '../../lib/bundle/own-versions.ts'
import { makeShipment } from '../../lib/bundle-shipment.ts'
import { shippedKeys } from '../../lib/state/shipped-state.ts'
import { Account, pipelineText } from './account.ts'

// The code is bundled in this process, of the sources.
vi.unmock('../../lib/bundle/entry-url.ts')

const month = '2001-01'
const output = `points/${month}`
let account: Account
let facts: ShipFacts

/** A pipeline with a task of a fixed version, whose code hash is the same for any code. */
const textOf = (expression: string, extra = '', task = ''): string =>
  pipelineText({
    extra,
    task: `version: '1', ${task}`,
    steps: `.mapRows(({ x, y }, { file }) => ({ x, y, z: ${expression} }), { adds: { z: column.int32() } })`,
  })

beforeAll(async () => {
  account = await Account.open(textOf('x + y'), { FANMILL_ALLOW_SHIP: 'true' })
  await account.write('input/t.csv', 'k\n1\n')
  await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2\n' })
  const bundle = await bundlePipeline(join(account.folder, 'pipeline.ts'), { outFolder: join(account.folder, 'facts') })
  const others = { versions: rowVersions(), include: ['*.txt'], external: {} }
  facts = shipFactsOf(await loadPipeline(bundle), others)
  await writeAsset(assetNames.shipFacts, JSON.stringify(facts))
  const errors = new URL('../../lib/errors/errors.ts', import.meta.url).href
  await writeAsset(assetNames.errors, `export * from ${JSON.stringify(errors)}`)
  await account.write('factor.txt', '10')
})
afterAll(() => account.close())

const writeAsset = (name: string, text: string): Promise<void> =>
  writeFile(join(dirname(fileURLToPath(process.env.FANMILL_PIPELINE_URL ?? '')), name), text)

/** Ships a pipeline to the state of the account, and returns its hash. */
async function ship(text: string): Promise<string> {
  const file = await account.write('pipeline.ts', text)
  const { hash, bytes } = await makeShipment(file, { name: 'grid', facts })
  await account.write(`output/${shippedKeys(hash).content}`, bytes)
  return hash
}

async function valueWith(shipped?: string): Promise<unknown> {
  const { error, ...end } = await account.execute('points', { params: { month }, force: true, shipped })
  expect(end).toMatchObject({ status: 'planned' })
  expect(error).toBeUndefined()
  const [row] = await account.rows(output)
  return row?.z
}

describe('an execution with shipped code', () => {
  it('runs that code, its libraries and its files in warm functions, which run the deployed code in the next execution', async () => {
    expect(await valueWith()).toBe(3)
    await account.write('libraries/times.ts', 'export const times = (a: number, b: number): number => a * b\n')
    const importing = "import { times } from './libraries/times.ts'"
    const product = await ship(textOf("times(Number(file('factor.txt').text()), x + y)", importing))
    expect(await valueWith(product)).toBe(30)
    await account.write('factor.txt', '20')
    const edited = await ship(textOf("times(Number(file('factor.txt').text()), x + y)", importing))
    expect(edited).not.toBe(product)
    expect(await valueWith(edited)).toBe(60)
    expect(await valueWith()).toBe(3)
    expect(await valueWith(product)).toBe(30)
  })

  it('rejects rows by an error of the shipped library, as deployed code does', async () => {
    const shipped = await ship(
      textOf(
        '(() => { throw new RejectError("no good") })()',
        "import { RejectError } from 'fanmill'",
        'rejects: { max: 5 },',
      ),
    )
    const { error } = await account.execute('points', { params: { month }, force: true, shipped })
    expect(error).toBeUndefined()
    expect(await account.manifest(output)).toMatchObject({ totals: { rows: 0, rowsRejected: 1 } })
  })

  it('begins an attempt of its own where code with the same code hash left a run unfinished', async () => {
    const params = { month: '2001-03' }
    await account.upload('incoming/2001-03/a.zip', { 'a.csv': 'x,y\n1,2\n' })
    const shipped = await ship(textOf('x * 100'))
    const planned = await account.plan('points', { params, shipped }, { execution: 'first' })
    if (planned.status !== 'planned') throw new Error(planned.status)
    const { run } = planned
    const [item] = await account.items(planned.planKey ?? '')
    const batch = { run, item: item!, execution: 'first' }
    const refusal = `RUN_CHANGED run ${run.runId}, attempt 1, was planned by the shipped code ${shipped.slice(0, 12)} of task points, got the deployed code`
    await expect(account.process('points', batch)).rejects.toThrow(refusal)
    await account.process('points', { ...batch, shipped })
    await expect(account.commit('points', { run, execution: 'other' })).rejects.toThrow(refusal)
    const resume = { runId: run.runId, attempt: 1 }
    await expect(account.plan('points', { task: 'points', params, resume, ended: ['first'] })).rejects.toThrow(
      /^RUN_CHANGED .*its code changed/,
    )
    const { error, batches, run: own } = await account.execute('points', { params, ended: ['first', 'execution'] })
    expect(error).toBeUndefined()
    expect({ batches, own }).toMatchObject({ batches: [item!.batch], own: { runId: run.runId, attempt: 2 } })
    expect(await account.rows('points/2001-03')).toMatchObject([{ z: 3 }])
  })

  it('leaves no files behind when its code does not load', async () => {
    const isBroken = '(globalThis as { isBroken?: boolean }).isBroken'
    const shipped = await ship(textOf('x', `if (${isBroken}) throw new Error('broken here')`))
    const unpacked = () => Array.fromAsync(glob(`*/${shipped}`, { cwd: tmpdir() }))
    Object.assign(globalThis, { isBroken: true })
    await expect(account.plan('points', { params: { month }, shipped })).rejects.toThrow(/broken here/)
    Object.assign(globalThis, { isBroken: false })
    expect(await unpacked()).toEqual([])
    const loaded = await ship(textOf('x * 7'))
    await account.plan('points', { params: { month }, shipped: loaded })
    expect(await Array.fromAsync(glob(`*/${loaded}`, { cwd: tmpdir() }))).toHaveLength(1)
  })

  it('has the code of its hashes, also when a source is edited while it is made', async () => {
    const library = await account.write('libraries/unit.ts', 'export const unit = 1\n')
    const editing = (next: string) => {
      const imports = "import { writeFileSync } from 'node:fs'\nimport { unit } from './libraries/unit.ts'"
      const edit = `writeFileSync(${JSON.stringify(library)}, \`export const unit = \${${next}}\\n\`)`
      return textOf('x * unit', `${imports}\n${edit}`).replace("version: '1', ", '')
    }
    const file = await account.write('pipeline.ts', editing('2'))
    const made = await makeShipment(file, { name: 'grid', facts })
    expect(JSON.parse(gunzipSync(made.bytes).toString()).code).toContain('unit = 2')
    expect((await makeShipment(file, { name: 'grid', facts })).hash).toBe(made.hash)
    await account.write('pipeline.ts', editing('unit + 1'))
    await expect(makeShipment(file, { name: 'grid', facts })).rejects.toThrow(
      /expected sources that stay the same while they are bundled/,
    )
  })

  it('is refused where the deployment does not allow it', async () => {
    const shipped = await ship(textOf('x'))
    vi.stubEnv('FANMILL_ALLOW_SHIP', '')
    await expect(account.plan('points', { params: { month }, shipped })).rejects.toThrow(
      /^SHIP_NOT_ALLOWED .*deploy it with allowShip: true/,
    )
    vi.unstubAllEnvs()
    expect(await account.plan('points', { params: { month }, shipped })).toMatchObject({ shipped })
  })

  it('is refused when its object is missing, or has other bytes than the execution names', async () => {
    const shipped = await ship(textOf('y'))
    const other = await ship(textOf('y + y'))
    const { content } = shippedKeys(shipped)
    const bytes = await account.read(`output/${shippedKeys(other).content}`)
    await account.write(`output/${content}`, bytes)
    const refused = expect(account.plan('points', { params: { month }, shipped })).rejects
    await refused.toThrow(new RegExp(`^SHIP_DAMAGED .*${content}, got bytes with the SHA-256 ${other}`))
    await rm(join(account.folder, 'output', content))
    await expect(account.plan('points', { params: { month }, shipped })).rejects.toThrow(
      /^SHIP_DAMAGED .*found none; ship it again/,
    )
    await expect(account.plan('points', { params: { month }, shipped: '../other' })).rejects.toThrow(/^USAGE event/)
  })

  it('is refused by functions of another version of Fanmill', async () => {
    const shipped = await ship(textOf('x * x'))
    await writeAsset(assetNames.shipFacts, JSON.stringify({ ...facts, versions: ['fanmill@9.9.9'] }))
    await expect(account.plan('points', { params: { month }, shipped })).rejects.toThrow(
      /^SHIP_NEEDS_DEPLOYMENT shipped code: expected code of fanmill@9.9.9, which is deployed, got code of fanmill@/,
    )
    await writeAsset(assetNames.shipFacts, JSON.stringify(facts))
  })
})
