/** About so many dollars and seconds. */
import { describe, expect, it } from 'vitest'
import { aboutDollars, aboutSeconds } from '../../../lib/cli/view/aws-estimates.ts'
import { fanmill, folderOf } from '../fanmill.ts'

const pipelineText = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
const trips = task({ name: 'trips', source: files({ paths: '*.csv', format: csv() }), columns: { id: column.int32() }, output: parquet({ path: 't' }) })
export default pipeline({ name: 'trips', tasks: [trips] })
`

describe('fanmill plan', () => {
  it('prints about what the run would cost on AWS, and the arithmetic with --json', async () => {
    const cwd = folderOf({ 'pipeline.ts': pipelineText, 'a.csv': 'id\n1\n' })
    const { code, stdout } = await fanmill(['plan', 'pipeline.ts'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^trips +under \$0\.01 +\d+ s +1 /m)
    expect(stdout).toMatch(/^About: arm64, 3,008 MB with 2 threads, 100 batches at once, us-east-1 prices of \d{4}-/m)
    const [task] = JSON.parse((await fanmill(['plan', 'pipeline.ts', '--json'], { cwd })).stdout).tasks
    expect(task.aws).toMatchObject({ batches: 1, transitions: 12, invocations: 3 })
    expect(Object.keys(task.aws)).toEqual(expect.arrayContaining(['gbSeconds', 's3', 'lines', 'assumptions', 'prices']))
  })
})

describe('an amount that is an estimate', () => {
  it.each([
    [0.0004, 'under $0.01'],
    [0.0412, '$0.041'],
    [0.1, '$0.1'],
    [1.234, '$1.20'],
    [17.4, '$17'],
    [3456, '$3,500'],
  ])('shows %d dollars as %s', (dollars, shown) => {
    expect(aboutDollars(dollars)).toBe(shown)
  })

  it.each([
    [0.3, '5 s'],
    [31.2, '35 s'],
    [100, '1.7 min'],
    [1740, '29 min'],
    [7300, '2 h'],
  ])('shows %d seconds as %s', (seconds, shown) => {
    expect(aboutSeconds(seconds)).toBe(shown)
  })
})
