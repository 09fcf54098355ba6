import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainFile } from '../cli/fanmill.ts'
import { buildZip, type MemberSpec } from '../zip-builder.ts'

const rowsPerBlock = 10_000
const blocks = 1200
const badBlocks = 90
const badMembers = ['a.csv', 'b.csv', 'c.csv', 'd.csv']
const peakBytesMax = 700e6
const tinyCount = 150_000
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-memory-'))
  const bad = longMember(badBlocks, 'bad,,,\n')
  writeFileSync(join(folder, 'huge.zip'), buildZip([{ name: 'huge.csv', ...longMember(blocks) }]))
  writeFileSync(join(folder, 'bad.zip'), buildZip(badMembers.map(name => ({ name, ...bad }))))
  writeFileSync(join(folder, 'tiny.zip'), buildZip(tinyMembers(), { zip64: true }))
  writeFileSync(
    join(folder, 'pipeline.ts'),
    `import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
    const columns = { id: column.int64(), at: column.timestamp(), name: column.string(), price: column.float64() }
    const source = archives => zipMembers({ paths: archives, format: csv() })
    const output = parquet({ path: '{task}' })
    export const huge = task({ name: 'huge', source: source('huge.zip'), columns, output })
    export const bad = task({ name: 'bad', source: source('bad.zip'), columns, output, rejects: { max: 10 } })
    export const tiny = task({ name: 'tiny', source: source('tiny.zip'), columns: { id: column.int64() }, output })
    export default pipeline({ name: 'large', tasks: [huge, bad, tiny] })`,
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function tinyMembers(): MemberSpec[] {
  return Array.from({ length: tinyCount }, (_, id) => ({
    name: `day-${id % 365}/shop-${id}.csv`,
    data: `id\n${id}\n`,
    method: 0,
  }))
}

/**
 * Repeats a block of rows, some 570 kB of text: 680 MB in the huge member, which held whole would be too much. The block is compressed
 * once: chunks that end with a full flush may follow one another in any order.
 */
function longMember(count: number, last = ''): Pick<MemberSpec, 'data' | 'compressed'> {
  const texts = ['id,at,name,price\n', ...Array.from({ length: count }, () => block), last]
  const chunks = new Map(
    texts.map(text => [text, deflateRawSync(text, { level: 1, finishFlush: constants.Z_FULL_FLUSH })]),
  )
  return {
    data: Buffer.concat([...texts.map(text => chunks.get(text)!), deflateRawSync('')]),
    compressed: {
      crc32: texts.reduce((crc, text) => crc32(text, crc), 0),
      inflatedBytes: texts.reduce((sum, text) => sum + text.length, 0),
    },
  }
}

const block = Array.from(
  { length: rowsPerBlock },
  (_, id) => `${id},2024-01-0${1 + (id % 9)} 10:00:00,somebody with the name ${id % 977},${(id % 9973) / 100}\n`,
).join('')

describe.runIf(existsSync('/proc/self/status'))('the memory of a run', () => {
  it('is less than a member that it streams', async () => {
    const { end, peakBytes } = await peakOfRun('huge')
    expect(end).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: blocks * rowsPerBlock, rowsRejected: 0 }] })
    expect(peakBytes).toBeGreaterThan(100e6)
    expect(peakBytes).toBeLessThan(peakBytesMax)
  })

  it('stays in its bounds where bad rows are looked for in long members, on a small budget', async () => {
    const { end, peakBytes } = await peakOfRun('bad', '--memory', '520')
    const rowsWritten = badMembers.length * badBlocks * rowsPerBlock
    expect(end).toMatchObject({ status: 'complete', tasks: [{ rowsWritten, rowsRejected: badMembers.length }] })
    expect(peakBytes).toBeLessThan(peakBytesMax)
  })
})

describe.runIf(existsSync('/proc/self/status'))('the memory of 150,000 tiny members', () => {
  it('is bounded in a run on a small budget, each with its account', async () => {
    const { end, peakBytes } = await peakOfRun('tiny', '--memory', '520')
    expect(end).toMatchObject({ status: 'complete', tasks: [{ members: tinyCount, rowsWritten: tinyCount }] })
    expect(peakBytes).toBeGreaterThan(100e6)
    expect(peakBytes).toBeLessThan(620e6)
    expect(await accountsBelow(join(folder, 'out/.fanmill/runs'))).toEqual([tinyCount, tinyCount])
  })
})

/** Members and records in the accounts of the run. */
async function accountsBelow(runs: string): Promise<number[]> {
  const engine = await DuckDBInstance.create(':memory:')
  const connection = await engine.connect()
  const sql = `select count(distinct member), sum(records) from '${runs}/*/*/accounts/*.parquet' where archive = 'tiny.zip'`
  const [row] = (await connection.runAndReadAll(sql)).getRowsJS()
  connection.closeSync()
  engine.closeSync()
  return (row ?? []).map(Number)
}

async function peakOfRun(task: string, ...flags: string[]): Promise<{ end: unknown; peakBytes: number }> {
  const roots = ['--input', folder, '--output', join(folder, 'out')]
  const args = ['run', join(folder, 'pipeline.ts'), task, ...roots, '--workers', '2', '--json', ...flags]
  const child = spawn(process.execPath, [mainFile, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  let peakBytes = 0
  child.stdout.on('data', text => {
    printed += text
    peakBytes = Math.max(peakBytes, peakOf(child.pid))
  })
  await new Promise(resolve => child.on('close', resolve))
  return { end: JSON.parse(printed.trim().split('\n').at(-1) ?? ''), peakBytes }
}

/** The largest resident size so far, which the kernel keeps; 0 when the process has ended. */
function peakOf(pid: number | undefined): number {
  try {
    const [, kibibytes = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kibibytes) * 1024
  } catch {
    return 0
  }
}
