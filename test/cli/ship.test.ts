/** `fanmill start --ship`, up to where the deployed functions take over. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ShipFacts, shipFactsOf } from '../../lib/aws/ship-facts.ts'
import type { Shipment } from '../../lib/aws/shipment.ts'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { rowVersions } from '../../lib/bundle/own-versions.ts'
import { shippedKeys } from '../../lib/state/shipped-state.ts'
import { type FakeAws, startAws } from './fake-aws.ts'
import { type Finished, fanmill, folderOf } from './fanmill.ts'

const pipelineOf = (step: string, extra = '', path = 'incoming/*.csv'): string => `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
${extra}
const points = task({
  name: 'points',
  source: files({ paths: '${path}', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 'points' }),
}).mapRows(row => ({ x: row.x, z: ${step} }), { adds: { z: column.int32() } })
export default pipeline({ name: 'grid', tasks: [points] })
`

let aws: FakeAws
let folder: string
let facts: ShipFacts

beforeAll(async () => {
  aws = await startAws()
  folder = folderOf({ 'package.json': '{ "type": "module" }', 'pipelines/grid.ts': pipelineOf('1') })
  const file = join(folder, 'pipelines/grid.ts')
  const pipeline = await loadPipeline(await bundlePipeline(file, { outFolder: join(folder, 'out') }))
  const external = { native: '1.0.0', old: '1.0.0' }
  facts = shipFactsOf(pipeline, { versions: rowVersions(), include: ['models/*.txt'], external })
  write('pipelines/models/factor.txt', '7')
  for (const [name, version] of [
    ['native', '1.0.0'],
    ['old', '2.0.0'],
    ['stray', '1.0.0'],
    ['plain', '1.0.0'],
  ]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version, main: 'index.js' }))
    write(`node_modules/${name}/index.js`, `exports.value = '${name}'`)
  }
  // As a package of a workspace, which a link leads out of node_modules.
  write('node_modules/linked/package.json', '{ "name": "linked", "version": "1.0.0", "main": "index.js" }')
  write('node_modules/linked/index.js', "exports.value = () => require('../../workspace/addon.node')")
  write('workspace/addon.node', 'compiled')
  for (const name of ['native', 'stray']) write(`node_modules/${name}/binding.gyp`, '{}')
})
beforeEach(() => {
  aws.executions.clear()
  aws.outputs.GridShip = JSON.stringify({ ...facts, entry: 'pipelines/grid.ts' })
})
afterAll(() => aws.stop())

function write(name: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

function start(text: string, words = ''): Promise<Finished> {
  write('pipelines/grid.ts', text)
  return fanmill(['start', ...words.split(' ').filter(Boolean), '--ship'], { cwd: folder, env: aws.env })
}

/** The shipment of the only execution that was started. */
async function shipped(): Promise<Shipment & { readonly hash: string }> {
  const [{ input } = { input: '{}' }] = aws.executions.values()
  const { shipped: hash } = JSON.parse(input) as { readonly shipped: string }
  const bytes = await aws.store.read(shippedKeys(hash).content)
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(hash)
  return { ...JSON.parse(gunzipSync(bytes).toString()), hash }
}

it('starts an execution that names the code of the working tree, with its libraries, packages and files', async () => {
  write('pipelines/library.ts', "export const theirs = 'in a library'\n")
  const imports =
    "import { theirs } from './library.ts'\nimport { value } from 'plain'\nimport * as native from 'native'"
  const finished = await start(pipelineOf('(theirs + value + native.value).length', imports), 'points')
  expect(finished).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^started points-/) })
  const { code, files, facts: own, codeHashes, schemas, hash } = await shipped()
  expect(code).toContain('in a library')
  expect(code).toContain('exports.value = "plain"')
  expect(code).toContain('from "native"')
  expect(own.external).toEqual({ native: '1.0.0' })
  // Threads test errors of the user's code for these classes.
  expect(code).toContain('from "./errors.mjs"')
  expect(code).not.toContain('class PermanentError')
  expect(files['models/factor.txt']).toMatchObject({ content: Buffer.from('7').toString('base64') })
  expect(schemas.points).toMatchObject([{ name: 'x' }, { name: 'z' }])
  expect(codeHashes.points).toMatch(/^[\da-f]{64}$/)
  const use = JSON.parse(Buffer.from(await aws.store.read(shippedKeys(hash).use)).toString())
  expect(Date.parse(use.shippedAt)).toBeGreaterThan(Date.now() - 600_000)
})

it.each([
  [
    'keys to read',
    pipelineOf('1', '', 'other/*.csv'),
    /SHIP_NEEDS_DEPLOYMENT .*keys to read .*other\/\*.* npx cdk deploy/,
  ],
  [
    'a package with native parts',
    pipelineOf('value.length', "import { value } from 'stray'"),
    /SHIP_NEEDS_DEPLOYMENT .*got stray, which has native parts; name it in the prop external/,
  ],
  [
    'a package of another version',
    pipelineOf('value.length', "import { value } from 'old'"),
    /SHIP_NEEDS_DEPLOYMENT .*package old .* version 2.0.0, got 1.0.0/,
  ],
  [
    'compiled code outside of packages',
    pipelineOf('value.length', "import { value } from 'linked'"),
    /SHIP_NEEDS_DEPLOYMENT .*compiled code in packages .*got .*addon.node; put it into a package/,
  ],
  ['a pipeline that does not load', pipelineOf('1', "throw new Error('no')"), /DEFINITION_LOAD .*grid.ts.*no/],
  [
    'another pipeline',
    pipelineOf('1').replace("'grid', tasks", "'lake', tasks"),
    /SHIP_NEEDS_DEPLOYMENT .*expected pipeline grid, which is deployed, got lake/,
  ],
])('refuses %s before anything is started', async (_, text, message) => {
  const { code, stderr } = await start(text)
  expect(stderr).toMatch(message)
  expect(code).not.toBe(0)
  expect(aws.executions.size).toBe(0)
})

it('refuses more than functions can load, compressed or not, and says which', async () => {
  write('pipelines/models/large.txt', randomBytes(17 * 1024 * 1024))
  expect((await start(pipelineOf('1'))).stderr).toMatch(
    /SHIP_NEEDS_DEPLOYMENT .*at most 16777216 bytes of code and files, compressed, got \d{8}; include less/,
  )
  write('pipelines/models/large.txt', '')
  truncateSync(join(folder, 'pipelines/models/large.txt'), 50 * 1024 * 1024)
  expect((await start(pipelineOf('1'))).stderr).toMatch(
    /SHIP_NEEDS_DEPLOYMENT .*at most 67108864 bytes .*before compression, files in base64, got at least 6990\d{4}; include less/,
  )
  rmSync(join(folder, 'pipelines/models/large.txt'))
  expect(aws.executions.size).toBe(0)
})

it('refuses a deployment that runs no shipped code, and a stack that names no file', async () => {
  aws.outputs.GridShip = JSON.stringify(facts)
  expect(await start(pipelineOf('1'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('USAGE expected the file'),
  })
  delete aws.outputs.GridShip
  const { stderr } = await start(pipelineOf('1'))
  expect(stderr).toMatch(/SHIP_NOT_ALLOWED .*deploy it with allowShip: true/)
  expect(aws.executions.size).toBe(0)
})
