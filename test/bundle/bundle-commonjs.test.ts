import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { codeHashes } from '../../lib/bundle/task-hasher.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-commonjs-'))

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

it.each([
  ['module.exports = pipeline({ name: "p", tasks: [counts] })'],
  [
    'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = pipeline({ name: "p", tasks: [counts] })',
  ],
])('loads a CommonJS pipeline that requires fanmill and ends in %s', async ending => {
  write({
    'main.cjs': `const { column, csv, files, parquet, pipeline, task } = require('fanmill')
const { double } = require('./double.cjs')
const counts = task({
  name: 'counts',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { id: column.int64() },
  output: parquet({ path: '{task}' }),
}).mapRows(row => ({ id: double(row.id) }))
${ending}
`,
    'double.cjs': 'exports.double = value => value * 2n\n',
  })
  const loadedTasks = async () => {
    const bundle = await bundlePipeline(join(folder, 'main.cjs'), { outFolder: join(folder, 'out') })
    const loaded = await loadPipeline(bundle)
    return { loaded, hash: (await codeHashes(bundle, loaded)).get('counts') }
  }
  const { loaded, hash } = await loadedTasks()
  expect(loaded).toMatchObject({ kind: 'pipeline', name: 'p', tasks: [{ name: 'counts' }] })
  write({ 'double.cjs': 'exports.double = value => value * 3n\n' })
  expect((await loadedTasks()).hash).not.toBe(hash)
})
