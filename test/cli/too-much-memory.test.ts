/** Tasks that take memory that no buffer's limit counts: the process ends with a code and a place, and is not killed. */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { fanmill, folderOf } from './fanmill.ts'

const rows = `n\n${Array.from({ length: 2000 }, (_, n) => `${n + 1}\n`).join('')}`
const pipeline = (steps: string): string => `
import { column, csv, parquet, pipeline, sql, task, zipMembers } from 'fanmill'
const kept = []
export default pipeline({ name: 't', resources: { turn: 1 }, tasks: [task({
  name: 't',
  resources: { turn: 1 },
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { n: column.int64() },
  output: parquet({ path: '{task}' }),
})${steps}, task({
  name: 'next',
  resources: { turn: 1 },
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { n: column.int64() },
  output: parquet({ path: '{task}' }),
})] })`

it.each([
  ['SQL that makes long texts', ".sql`select length(repeat('abcdefghij', (n * 100000)::int)) as l from input`"],
  ['SQL that makes huge lists', '.sql`select len(range((n * 100000)::bigint)) as l from input`'],
  [
    'a map function that never stops to fill an array',
    '.mapRows(({ n }) => { for (;;) kept.push({ n, more: [1, 2, 3] }) }, { adds: {} })',
  ],
  [
    'a map function that never stops to keep long arrays, a gigabyte per second',
    '.mapRows(({ n }) => { for (;;) kept.push(new Array(1_000_000).fill(Number(n) / 7)) }, { adds: {} })',
  ],
  [
    'a map function that keeps a long array per row',
    '.mapRows(({ n }) => { kept.push(new Array(1_000_000).fill(Number(n) / 7)); return {} }, { adds: {} })',
  ],
  [
    'a map function that keeps buffers',
    '.mapRows(() => { kept.push(Buffer.alloc(20_000_000, 1)); return {} }, { adds: {} })',
  ],
])('ends with OUT_OF_MEMORY, the member and exit code 1: %s', async (_, steps) => {
  const cwd = folderOf({ 'pipeline.ts': pipeline(steps), 'a.zip': buildZip({ 'rows.csv': rows }) })
  const args = [
    'run',
    'pipeline.ts',
    't',
    '--input',
    cwd,
    '--output',
    `${cwd}/out`,
    '--workers',
    '1',
    '--memory',
    '350',
  ]
  const { code, stderr } = await fanmill(args, { cwd })
  expect(stderr).toMatch(
    /OUT_OF_MEMORY expected the process to use at most 956 MB, .*create less at once, or raise --memory/,
  )
  expect(stderr).toContain('slice 0 of a.zip, member rows.csv')
  expect(stderr).not.toContain('Native stack trace')
  expect(code).toBe(1)
})

it('begins no other task beside a thread that goes on taking memory', async () => {
  const steps = '.mapRows(({ n }) => { for (;;) kept.push({ n, more: [1, 2, 3] }) }, { adds: {} })'
  const cwd = folderOf({ 'pipeline.ts': pipeline(steps), 'a.zip': buildZip({ 'rows.csv': rows }) })
  const args = ['run', 'pipeline.ts', '--input', cwd, '--output', `${cwd}/out`, '--workers', '1', '--memory', '350']
  const { code, stderr } = await fanmill(args, { cwd })
  expect(stderr).toContain('OUT_OF_MEMORY')
  expect(existsSync(`${cwd}/out/next/_SUCCESS`)).toBe(false)
  expect(code).toBe(1)
})
