import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ZipFile } from 'yazl'

const root = join(import.meta.dirname, '../..')
const rowsPerBlock = 10_000
const blocks = 1200
const peakBytesMax = 700e6
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-memory-'))
  const zip = new ZipFile()
  zip.addReadStream(Readable.from(texts()), 'huge.csv', { mtime: new Date(0), compressionLevel: 1 })
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(join(folder, 'huge.zip')))
  writeFileSync(
    join(folder, 'huge.ts'),
    `import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
    export const huge = task({
      name: 'huge',
      source: zipMembers({ archives: 'huge.zip', format: csv() }),
      columns: { id: column.int64(), at: column.timestamp(), name: column.string(), price: column.float64() },
      output: parquet({ path: '{task}' }),
    })
    export default pipeline({ name: 'huge', tasks: [huge] })`,
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Some 680 MB of text, inflated: held whole it would be too much. */
function* texts() {
  yield 'id,at,name,price\n'
  for (let block = 0; block < blocks; block++) {
    const first = block * rowsPerBlock
    const rows = Array.from({ length: rowsPerBlock }, (_, row) => {
      const id = first + row
      return `${id},2024-01-0${1 + (id % 9)} 10:00:00,somebody with the name ${id % 977},${(id % 9973) / 100}`
    })
    yield `${rows.join('\n')}\n`
  }
}

it.runIf(existsSync('/proc/self/status'))(
  'streams a member larger than the memory that the process takes',
  async () => {
    const args = [
      'run',
      join(folder, 'huge.ts'),
      '--input',
      folder,
      '--output',
      join(folder, 'out'),
      '--workers',
      '2',
      '--json',
    ]
    const child = spawn(process.execPath, [join(root, 'lib/cli/main.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    let peakBytes = 0
    child.stdout.on('data', text => {
      printed += text
      peakBytes = Math.max(peakBytes, peakOf(child.pid))
    })
    await new Promise(resolve => child.on('close', resolve))
    const end = JSON.parse(printed.trim().split('\n').at(-1) ?? '')
    expect(end).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: blocks * rowsPerBlock, rowsRejected: 0 }] })
    expect(peakBytes).toBeGreaterThan(100e6)
    expect(peakBytes).toBeLessThan(peakBytesMax)
  },
)

/** The largest resident size so far, which the kernel keeps; 0 when the process has ended. */
function peakOf(pid: number | undefined): number {
  try {
    const [, kibibytes = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kibibytes) * 1024
  } catch {
    return 0
  }
}
