/** Tables for people on a terminal, and for programs in a pipe. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, expect, it, vi } from 'vitest'
import { drawTable, type TableStream } from '../../../lib/cli/view/table.ts'

const terminal = (columns: number): TableStream =>
  Object.assign(new PassThrough(), { isTTY: true, columns, getColorDepth: () => 8 })
const pipe = (): TableStream => new PassThrough()

const titles = ['batch', 'code', 'message']
const message =
  'expected a number of at most three digits, got a text; correct the file or declare the column as a string'
const rows = [
  [0, 'TRANSFORM_FAILED', message],
  [12, 'ZIP_CRC_MISMATCH', 'short'],
]
const draw = (stream: TableStream, some: readonly (readonly unknown[])[] = rows): string =>
  drawTable(titles, some, { numbers: ['batch'], stream })

afterEach(() => vi.unstubAllEnvs())

it('writes each row on one line when a program reads it, however long', async () => {
  const lines = draw(pipe()).trim().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[1]).toContain(message)
})

it('wraps texts between words in the width of the terminal', async () => {
  for (const columns of [60, 80, 100]) {
    const lines = draw(terminal(columns)).split('\n')
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(columns)
    const words = lines.flatMap(line => line.slice(25).split(/\s+/)).filter(Boolean)
    expect(words).toEqual(['message', ...message.split(' '), 'short'])
  }
})

it('breaks a word only when it is longer than its column can be', async () => {
  const path = `archive/${'folder/'.repeat(20)}file.csv`
  const text = draw(terminal(60), [[1, 'INPUT_INVALID', `cannot read ${path}`]])
  expect(text.split('\n').every(line => line.length <= 60)).toBe(true)
  expect(text.replaceAll(/\s+/g, '')).toContain(path)
})

it('draws hundreds of thousands of rows, also in one cell of many words', () => {
  const many = Array.from({ length: 150_000 }, (_, at) => [at])
  const text = drawTable(['batch'], many, { numbers: ['batch'], stream: pipe() })
  expect(text.endsWith('\n149999')).toBe(true)
  expect(text.split('\n')).toHaveLength(150_001)
  expect(drawTable(['text'], [['a '.repeat(150_000)]], { stream: pipe() })).toContain('a a')
})

it('wraps a text that begins with spaces without an empty line', () => {
  const lines = draw(terminal(60), [[1, 'INPUT_INVALID', ` ${message} `]]).split('\n')
  expect(lines[1]).toMatch(/^ +1 +INPUT_INVALID +expected/)
  expect(lines.at(-1)).not.toMatch(/^ *$/)
})

it('keeps wide characters whole when it wraps', async () => {
  const name = '請求書の一覧表を読み取れませんでした'.repeat(4)
  const text = draw(terminal(60), [[1, 'INPUT_INVALID', name]])
  expect(text.replaceAll(/\s+/g, '')).toContain(name)
  expect(text).not.toContain('…')
})

it('lists each row by its titles when the terminal is too narrow for columns', async () => {
  const text = stripVTControlCharacters(draw(terminal(30)))
  expect(text).toContain('batch    0\ncode     TRANSFORM_FAILED\nmessage  expected')
  expect(text).toContain('\n\nbatch    12\n')
})

it('shows the summary of a run as a table in 80 columns', async () => {
  const numbers = ['rows', 'rejects', 'members', 'parts', 'bytes in', 'bytes out', 'seconds', 'MB/s inflated']
  const row = ['trips', 'complete', '6,000,000', '0', '3', '2', '34.7 kB', '17.2 MB', '2.27', '25.0']
  const text = drawTable(['task', 'status', ...numbers], [row], { numbers, stream: terminal(80) })
  const lines = stripVTControlCharacters(text).split('\n')
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
  expect(
    lines
      .at(-1)
      ?.split(/ (?![kM]B)+/)
      .filter(Boolean),
  ).toEqual(row)
})

it('colours status words on a terminal, and not in a pipe or with NO_COLOR', async () => {
  const table = (stream: TableStream) => drawTable(['task', 'status'], [['trips', 'failed']], { stream })
  vi.stubEnv('FORCE_COLOR', undefined)
  vi.stubEnv('NO_COLOR', undefined)
  expect(table(terminal(80))).toContain('\u001b[31mfailed\u001b[39m')
  expect(table(pipe())).not.toContain('\u001b[')
})
