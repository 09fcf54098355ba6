/** The sales and web log examples, run over their committed inputs and read back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import salesPipeline, { sales } from '../../examples/sales/pipeline.ts'
import weblogs, { accesses, requests } from '../../examples/weblogs/pipeline.ts'
import { openDataset, type Pipeline, run } from '../../lib/index.ts'
import { runTask } from '../../lib/testing.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanmill-examples-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function runExample(pipeline: Pipeline): Promise<void> {
  const input = join(import.meta.dirname, '../../examples', pipeline.name)
  const { status, tasks } = await run(pipeline, { input, output: join(folder, pipeline.name), workers: 1 })
  expect(status).toBe('complete')
  expect(tasks.map(({ rowsRejected }) => rowsRejected)).toEqual(pipeline.tasks.map(() => 0))
}

/** Returns all rows of a dataset, each as the list of its values in the order of the schema. */
async function valuesOf(dataset: string): Promise<unknown[][]> {
  const rows = await Array.fromAsync((await openDataset(join(folder, dataset))).rows())
  return rows.map(row => Object.values(row))
}

describe('the sales example', () => {
  beforeAll(() => runExample(salesPipeline))

  it('reads three headers, three formats of dates, decimal commas, currencies, percents and refunds', async () => {
    expect(await valuesOf('sales/sales')).toEqual([
      [1001n, '2023-11-03', 'Köln', '1234.50', '0.1250', false, null],
      [1002n, '2023-11-03', 'Köln', '19.90', null, true, null],
      [1003n, '2023-11-09', 'Bonn', '-1049.90', '0.0000', false, null],
      [1004n, '2023-11-30', 'Bonn', '2500.00', '0.0725', false, null],
      [1005n, '2024-02-01', 'Köln', '49.90', '0.1000', true, 'web'],
      [1006n, '2024-02-14', 'Bonn', '1050.00', null, false, 'store'],
      [1007n, '2024-02-29', 'Bonn', '-20.00', null, null, 'web'],
      [1008n, '2024-02-29', 'Bonn; Markt', '12345678.90', '0.0250', false, 'store'],
      [1009n, '2024-05-02', 'Köln', '99.00', '0.0500', null, 'app'],
      [1010n, '2024-05-17', 'Köln', '1000.00', null, null, 'web'],
      [1011n, '2024-05-31', 'Bonn', '0.99', null, null, null],
    ])
  })

  it('adds up the amounts of each month and store', async () => {
    expect(await valuesOf('sales/totals')).toEqual([
      ['2023-11', 'Bonn', 2n, '1450.10', 0.03625],
      ['2023-11', 'Köln', 2n, '1254.40', 0.125],
      ['2024-02', 'Bonn', 2n, '1030.00', null],
      ['2024-02', 'Bonn; Markt', 1n, '12345678.90', 0.025],
      ['2024-02', 'Köln', 1n, '49.90', 0.1],
      ['2024-05', 'Bonn', 1n, '0.99', null],
      ['2024-05', 'Köln', 2n, '1099.00', 0.05],
    ])
  })

  it('rejects a decimal point and a date in no known format, with file and line', async () => {
    const lines = [
      'Order ID;Order Date;Store;Amount',
      '1;2024-06-01;Bonn;1,234.50',
      '2;06/01/2024;Bonn;1',
      '3;1 Jun 2024;Bonn;1',
    ]
    const { rows, rejects } = await runTask(sales, { files: { 'incoming/2024-06.csv': lines.join('\n') } })
    expect(rows).toMatchObject([{ order: 3n, day: '2024-06-01' }])
    expect(rejects).toMatchObject([
      { archive: 'incoming/2024-06.csv', line: 2, column: 'amount', received: '1,234.50' },
      { archive: 'incoming/2024-06.csv', line: 3, column: 'day', received: '06/01/2024' },
    ])
  })
})

describe('the web log example', () => {
  beforeAll(() => runExample(weblogs))

  it('reads an access log by its pattern, by day in UTC', async () => {
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64)'
    const cart = String.raw`https://shop.example/cart?items=\"2\"`
    const probe = String.raw`Probe \"beta\" 1.0`
    const at = (text: string) => new Date(`2024-05-0${text}Z`)
    const [shop, order] = ['https://shop.example/', '/orders/1005']
    expect(await valuesOf('weblogs/accesses')).toEqual([
      ['2001:db8::42', 'anna', at('1T12:00:00'), 'POST', '/orders', 201, 312n, cart, 'curl/8.7.1', '2024-05-01'],
      ['198.51.100.3', null, at('1T12:30:00'), null, null, 400, 157n, null, null, '2024-05-01'],
      ['192.0.2.7', null, at('1T23:59:58'), 'GET', '/', 200, 5120n, null, firefox, '2024-05-01'],
      ['192.0.2.7', null, at('1T23:59:59'), 'GET', '/style.css?v=3', 304, null, shop, firefox, '2024-05-01'],
      ['203.0.113.9', null, at('2T15:15:00'), 'GET', order, 500, 0n, null, probe, '2024-05-02'],
      ['203.0.113.9', null, at('2T15:15:02'), 'GET', order, 200, 842n, null, probe, '2024-05-02'],
      ['203.0.113.9', null, at('2T15:15:03'), null, null, 408, null, null, null, '2024-05-02'],
    ])
  })

  it('reads nested JSON into structs, also where a key has another name, is null or is absent', async () => {
    const germany = { country: 'DE' }
    expect(await valuesOf('weblogs/requests')).toEqual([
      [
        new Date('2024-05-01T08:00:00.125Z'),
        { method: 'GET', path: '/', headers: { agent: 'Mozilla/5.0' } },
        { ip: '192.0.2.7', geo: germany },
        { status: 200, bytes: 5120n, seconds: 0.25 },
        null,
      ],
      [
        new Date('2024-05-01T08:00:01Z'),
        { method: 'GET', path: '/', headers: { agent: 'curl/8.7.1' } },
        { ip: '192.0.2.8', geo: germany },
        { status: 200, bytes: 5120n, seconds: 0.75 },
        [],
      ],
      [
        new Date('2024-05-01T08:00:02Z'),
        { method: 'POST', path: '/orders', headers: { agent: null } },
        { ip: '2001:db8::42', geo: null },
        { status: 503, bytes: null, seconds: 30 },
        [
          { code: 'DB_TIMEOUT', retried: true },
          { code: 'DB_TIMEOUT', retried: false },
        ],
      ],
      [
        new Date('2024-05-02T09:30:00Z'),
        { method: 'GET', path: '/', headers: { agent: 'Probe 1.0' } },
        { ip: '203.0.113.9', geo: { country: 'US' } },
        { status: 200, bytes: 9007199254740993n, seconds: 0.5 },
        null,
      ],
      [
        new Date('2024-05-02T09:30:01Z'),
        { method: 'DELETE', path: '/orders', headers: null },
        { ip: '192.0.2.7', geo: germany },
        { status: 204, bytes: null, seconds: null },
        null,
      ],
    ])
  })

  it('counts requests by fields of the structs', async () => {
    const rows = await valuesOf('weblogs/traffic')
    expect(rows).toHaveLength(4)
    expect(rows).toEqual(
      expect.arrayContaining([
        ['DE', '/', 2n, 0n, 10_240n, 0.5],
        ['DE', '/orders', 1n, 0n, null, null],
        ['US', '/', 1n, 0n, 9007199254740993n, 0.5],
        [null, '/orders', 1n, 1n, null, 30],
      ]),
    )
  })

  it('reads rotated logs in gzip, and rejects a line of another form and a nested value of another type', async () => {
    const entry = '192.0.2.1 - - [03/May/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'
    const log = gzipSync(`${entry}\nserver reached MaxClients\n`)
    const read = await runTask(accesses, { files: { 'access/2024-05-03.log.gz': log } })
    expect(read.rows).toMatchObject([{ ip: '192.0.2.1', path: '/', day: '2024-05-03' }])
    expect(read.rejects).toMatchObject([{ archive: 'access/2024-05-03.log.gz', line: 2 }])

    const record = { time: '2024-05-03T00:00:00Z', request: { method: 'GET', path: '/' }, response: { status: 'ok' } }
    const { rows, rejects } = await runTask(requests, { files: { 'requests/a.jsonl': `${JSON.stringify(record)}\n` } })
    expect(rows).toEqual([])
    expect(rejects).toMatchObject([{ line: 1, column: 'response.status', received: 'ok' }])
  })
})
