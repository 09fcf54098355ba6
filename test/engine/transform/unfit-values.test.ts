/** Values that functions return and that their columns cannot hold. */
import { describe, expect, it } from 'vitest'
import type { Step } from '../../../lib/define/definition.ts'
import { column } from '../../../lib/define/index.ts'
import { type ConversionResult, convertTask, mapRows, taskOf } from '../converting.ts'

const columns = { a: column.int32(), b: column.string() }
const inputs = { 'x.csv': 'a,b\n1,x\n2,y\n3,\n' }

const convertMap = (transform: Step): Promise<ConversionResult> =>
  convertTask(taskOf({ columns, transform }), { inputs })

const aDate = 'a date such as 2001-01-31, or a Date at midnight UTC'

describe('mapRows', () => {
  it.each([
    ['int32', column.int32(), 1.5, 'column v: expected an integer from -2147483648 to 2147483647, got 1.5'],
    ['uint8', column.uint8(), 256, 'column v: expected an integer from 0 to 255, got 256'],
    [
      'int64',
      column.int64(),
      2 ** 60,
      'column v: expected a bigint of 64 bits or a safe integer, got 1152921504606847000',
    ],
    ['string', column.string(), 5, 'column v: expected a string, got 5'],
    ['JSON', column.list(column.json()), ['{a'], 'column v: expected a text in JSON, got "{a"'],
    [
      'JSON of whole characters',
      column.json(),
      '{"a":"\\ud800"}',
      'column v: expected a text in JSON, got {"a":"\\ud800"}',
    ],
    ['JSON with a whole key', column.json(), '{"\\uDC00":1}', 'column v: expected a text in JSON, got {"\\uDC00":1}'],
    [
      'text of whole characters',
      column.list(column.string()),
      ['😀', 'a😀'.slice(0, 2)],
      'column v: expected a text of whole characters, got "a\ud83d"',
    ],
    [
      'integer, but a Date',
      column.int16(),
      new Date(0),
      `column v: expected an integer from -32768 to 32767, got ${new Date(0)}`,
    ],
    ['boolean', column.boolean(), 'yes', 'column v: expected a boolean, got "yes"'],
    ['float64', column.float64(), '1', 'column v: expected a number, got "1"'],
    ['date', column.date(), '2001-02-30', `column v: expected ${aDate}, got "2001-02-30"`],
    ['valid date', column.date(), new Date(Number.NaN), `column v: expected ${aDate}, got Invalid Date`],
    ['day', column.date(), new Date(23 * 3_600_000), `column v: expected ${aDate}, got ${new Date(23 * 3_600_000)}`],
    ['required value', column.int32({ required: true }), null, 'column v: expected required int32, got null'],
    ['time', column.time(), '25:00', 'column v: expected a time such as 23:59:58.5, got "25:00"'],
    ['timestamp', column.timestamp(), 'soon', 'column v: expected a Date or an ISO 8601 text, got "soon"'],
    [
      'decimal',
      column.decimal(5, 2),
      '1.005',
      'column v: expected a decimal with at most 5 digits, 2 after the point, got "1.005"',
    ],
    [
      'decimal, but empty',
      column.decimal(5, 2),
      '',
      'column v: expected a decimal with at most 5 digits, 2 after the point, got ""',
    ],
    ['float', column.float32(), 1e39, 'column v: expected a number of 32 bits, got 1e+39'],
    ['list', column.list(column.int32()), 'x', 'column v: expected an array, got "x"'],
    [
      'list item',
      column.list(column.int32()),
      ['x'],
      'column v: expected an integer from -2147483648 to 2147483647, got "x"',
    ],
  ])('fails with the column when a value is no %s', async (_name, type, value, message) => {
    const failing = convertMap(mapRows(() => ({ v: value }) as never, { adds: { v: type } } as never) as Step)
    const [, expected, got] = /^(.*), got "?(.*?)"?$/.exec(message) as RegExpExecArray
    const detail = { archive: 'x.csv', line: 2, column: 'v', ...(got !== 'null' && { received: got }) }
    await expect(failing).rejects.toMatchObject({ code: 'TRANSFORM_FAILED', detail })
    await expect(failing).rejects.toThrow(`x.csv, line 2: ${expected}, got `)
  })

  it('takes JSON with escaped pairs, and names the class of an object that does not fit', async () => {
    const doc = String.raw`{"\ud83d\ude00":"\\ud800"}`
    const { rows } = await convertMap(mapRows(() => ({ v: doc }), { adds: { v: column.json() } }) as Step)
    expect(rows[0]).toMatchObject({ v: doc })
    for (const [value, type, name] of [
      [new Date(0), column.string(), 'Date'],
      [new Map(), column.json(), 'Map'],
      [Object.create(null), column.decimal(5, 2), 'Object'],
    ] as const) {
      const failing = convertMap(mapRows(() => ({ v: value }) as never, { adds: { v: type } } as never) as Step)
      await expect(failing).rejects.toThrow(`got a value of type ${name}`)
    }
  })
})
