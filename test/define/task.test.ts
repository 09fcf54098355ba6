import { describe, expect, it } from 'vitest'
import {
  type AnyTaskOptions,
  column,
  csv,
  delta,
  files,
  jsonLines,
  lines,
  memberFiles,
  type ParquetOptions,
  param,
  parquet,
  partitionsOf,
  pipeline,
  sql,
  type TaskDefinition,
  table,
  task,
  zipMembers,
} from '../../lib/define/index.ts'

const columns = { date: column.timestamp(), delay: column.int32(), origin: column.string() }
const source = zipMembers({ paths: 'incoming/*.zip', format: csv() })
const output = parquet({ path: '{task}' })
const flights = task({ name: 'flights', source, columns, output })

/** A task with options that differ from those of `flights`. */
const changed = (changes: Readonly<Record<string, unknown>>) => () => flights.with(changes as Partial<AnyTaskOptions>)

it('is plain, frozen data that has every default', () => {
  expect(flights).toEqual({
    kind: 'task',
    name: 'flights',
    params: {},
    source,
    columns,
    tables: {},
    transform: [],
    output,
    rejects: { max: 0 },
    strict: true,
    onNewColumn: 'ignore',
    onMissingColumn: 'fail',
    onEmpty: 'fail',
    provenance: [],
  })
  expect(JSON.parse(JSON.stringify(flights))).toEqual(JSON.parse(JSON.stringify({ ...flights })))
  expect(Object.isFrozen(flights) && Object.isFrozen(flights.columns) && Object.isFrozen(flights.transform)).toBe(true)
})

it('adds steps in the order of its methods, each to a task of its own', () => {
  const map = () => null
  const selected = flights.sql`select * from input where delay > ${5}`
  const mapped = selected.mapRows(map, { adds: { season: column.string() } }).mapBatches(() => ({}))
  expect(mapped.transform).toMatchObject([
    { kind: 'sql', values: [5] },
    { kind: 'mapRows', map, adds: { season: column.string() } },
    { kind: 'mapBatches' },
  ])
  expect(selected.transform).toHaveLength(1)
  expect(flights.transform).toEqual([])
  expect(JSON.parse(JSON.stringify(selected))).toEqual(JSON.parse(JSON.stringify({ ...selected })))
  expect(Object.isFrozen(mapped) && Object.isFrozen(mapped.transform)).toBe(true)
})

it('keeps its steps when its options change', () => {
  const changed = flights.sql`select * from input`.with({ strict: false })
  expect(changed.transform).toHaveLength(1)
  expect(changed.sql`select * from input`.transform).toHaveLength(2)
})

it('keeps functions of the params as steps', () => {
  const step = ({ carrier }: { readonly carrier: string }) => sql`select * from input where carrier = ${carrier}`
  const byCarrier = task({
    name: 'flights',
    params: { carrier: param.string() },
    source,
    columns,
    output: parquet({ path: '{task}/{carrier}' }),
    where: ({ carrier }) => sql`carrier = ${carrier}`,
  }).sql(step)
  expect(byCarrier.transform).toEqual([step])
  expect(byCarrier.where).toBeTypeOf('function')
})

it('names the methods where steps stand in the options', () => {
  expect(changed({ transform: [sql`select 1`] })).toThrow(
    'task flights: transform: unknown option, did you mean the steps .sql`…`, .mapRows(…) or .mapBatches(…) after task({ … })',
  )
  expect(changed({ reduce: { by: ['city'] } })).toThrow(
    'task flights: reduce: unknown option, did you mean the step .reduce(…) after task({ … })',
  )
})

it('checks options again that with changes', () => {
  expect(flights.with({ strict: false, rejects: { max: '0.5%' } })).toMatchObject({
    name: 'flights',
    strict: false,
    rejects: { max: '0.5%' },
  })
  expect(flights.strict).toBe(true)
  expect(changed({ name: 'No' })).toThrow('task No: name: expected a name of lower case letters')
})

it('reads the groups of lines as strings unless columns types them', () => {
  const log = files({ paths: 'logs/*.log', format: lines({ pattern: '(?<at>\\S+) (?<text>.*)' }) })
  expect(task({ name: 'log', source: log, output }).columns).toEqual({ at: column.string(), text: column.string() })
  const typed = { at: column.timestamptz(), text: column.string() }
  expect(task({ name: 'log', source: log, columns: typed, output }).columns).toEqual(typed)
  expect(() => task({ name: 'log', source: log, columns: { at: column.string() }, output })).toThrow(
    'task log: columns: expected the named groups at, text, got no text',
  )
  expect(() => task({ name: 'log', source: log, columns: { ...typed, tex: column.string() }, output })).toThrow(
    'task log: columns.tex: expected the named groups at, text, got tex, did you mean text',
  )
})

it('leaves the columns of CSV unknown when the task names none', () => {
  expect(task({ name: 'flights', source, output }).columns).toBeUndefined()
})

it('lets rows of JSON lines leave keys out', () => {
  const lines = flights.with({ source: files({ paths: 'a', format: jsonLines() }) })
  expect(lines.onMissingColumn).toBe('null')
  expect(lines.with({ source }).onMissingColumn).toBe('fail')
})

it('extracts members without a format', () => {
  const unpack = task({
    name: 'unpack',
    source: zipMembers({ paths: 'a.zip' }),
    output: memberFiles({ path: 'out' }),
  })
  expect(unpack.output.kind).toBe('memberFiles')
})

const extractionExtras: readonly Readonly<Record<string, unknown>>[] = [
  { setup: () => 1 },
  { rejects: { max: 1 } },
  { strict: false },
  { onNewColumn: 'keep' },
  { onMissingColumn: 'null' },
]

it.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
  ['a misspelt option', { sourec: source }, 'task flights: sourec: unknown option, did you mean source'],
  ['a misspelt option inside', { rejects: { mx: 1 } }, 'task flights: rejects.mx: unknown option, did you mean max'],
  ['a source that is none', { source: { kind: 'zipMembers' } }, 'source: expected zipMembers({ … }), files({ … })'],
  [
    'an output that is none',
    { output: source },
    'task flights: output: expected parquet({ … }), memberFiles({ … }), sink({ … }), delta({ … }) or temporary({ … }), got zipMembers(…)',
  ],
  [
    'no output',
    { output: undefined },
    'task flights: output: expected parquet({ … }), memberFiles({ … }), sink({ … }), delta({ … }) or temporary({ … }), got nothing',
  ],
  [
    'a share of rejects over all',
    { rejects: { max: '101%' } },
    'rejects.max: expected a whole number from 0 up, or a share',
  ],
  ['a negative number of rejects', { rejects: { max: -1 } }, 'got -1'],
  [
    'a column that is none',
    { columns: { a: 'int' } },
    'task flights: columns.a: expected a column such as column.string(), got "int"',
  ],
  ['no columns at all', { columns: {} }, 'task flights: columns: expected at least one column'],
  [
    'columns that differ only in case',
    { columns: { a: column.int8(), A: column.int8() } },
    'that differ in more than case',
  ],
  ['a table named input', { tables: { input: table('a', csv()) } }, 'tables.input: expected a name other than input'],
  ['a table that is none', { tables: { a: 'a.csv' } }, 'task flights: tables.a: expected table(…), got "a.csv"'],
  [
    'a parameter that is none',
    { params: { a: 'x' } },
    'params.a: expected a parameter such as param.string(), got "x"',
  ],
  [
    'a parameter named task',
    { params: { task: param.string() } },
    'params.task: expected a name other than task and salt',
  ],
  [
    'a parameter that no path can name',
    { params: { 'a-b': param.string() } },
    'expected a name of letters, digits and underscores',
  ],
  [
    'a placeholder that is no parameter',
    { output: parquet({ path: '{tsak}' }) },
    'output.path: expected a placeholder of task, salt, got {tsak}, did you mean task',
  ],
  [
    'a placeholder in archives that is no parameter',
    { source: source.with({ paths: '{month}/*' }) },
    'source.paths: expected no placeholder, as there are no parameters, got {month}',
  ],
  [
    'a placeholder in a table that is no parameter',
    { tables: { a: table('{x}.csv', csv()) } },
    'task flights: tables.a.path: expected no placeholder',
  ],
  [
    'no format',
    { source: zipMembers({ paths: 'a.zip' }) },
    'task flights: source.format: expected csv(), jsonLines(), json(), lines({ … }), fixedWidth({ … }), xlsx(), xml({ … }), avro() or parquetFiles(), got nothing',
  ],
  [
    'JSON lines without columns',
    { source: files({ paths: 'a', format: jsonLines() }), columns: undefined },
    'task flights: columns: expected columns by name, as jsonLines has no header',
  ],
  [
    'missing columns that would fail where rows may leave keys out',
    { source: files({ paths: 'a', format: jsonLines() }), onMissingColumn: 'fail' },
    "task flights: onMissingColumn: expected 'null', as a row of jsonLines may leave keys out, got 'fail'; make the column required",
  ],
  ['provenance over a column', { columns: { _line: column.int8() }, provenance: ['_line'] }, 'got _line in both'],
  [
    'an unknown provenance',
    { provenance: ['_file'] },
    'task flights: provenance.0: expected one of _archive, _member, _line',
  ],
  [
    'columns of extracted members',
    { output: memberFiles({ path: 'out' }) },
    'task flights: columns: expected none, as memberFiles',
  ],
  ...extractionExtras.map(
    extra =>
      [
        `${Object.keys(extra)[0]} of extracted members`,
        { columns: undefined, output: memberFiles({ path: 'out' }), ...extra },
        `task flights: ${Object.keys(extra)[0]}: expected none, as memberFiles extracts members as they are`,
      ] as const,
  ),
  [
    'files extracted',
    { source: files({ paths: 'a', format: csv() }), output: memberFiles({ path: 'o' }) },
    'task flights: source: expected zipMembers({ … })',
  ],
  ['an empty version', { version: '' }, 'task flights: version: expected a string that is not empty'],
])('refuses %s', (_, changes, message) => {
  expect(changed(changes)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', name: 'PermanentError' }))
  expect(changed(changes)).toThrow(message)
})

it('accepts 10,000 columns and refuses more, with the limit in the message', () => {
  const columnsOf = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${index}`, column.int32()]))
  expect(Object.keys(flights.with({ columns: columnsOf(10_000) }).columns ?? {})).toHaveLength(10_000)
  expect(changed({ columns: columnsOf(10_001) })).toThrow(
    expect.objectContaining({
      code: 'DEFINITION_INVALID',
      message: expect.stringContaining(
        'columns: expected at most 10,000 columns, got 10,001; declare those that you need',
      ),
      detail: expect.objectContaining({ columnCount: 10_001, columnCountMax: 10_000 }),
    }),
  )
})

it('puts the place of a fault into detail', () => {
  expect(changed({ columns: { a: 'int' } })).toThrow(
    expect.objectContaining({ detail: { where: 'task flights: columns.a', path: 'columns.a' } }),
  )
})

it('refuses two placeholders that touch, as their values could not be told apart', () => {
  const params = { a: param.integer(), b: param.integer() }
  expect(changed({ params, output: parquet({ path: '{a}{b}' }) })).toThrow('expected text between two placeholders')
})

describe('a pipeline', () => {
  const build = (made: TaskDefinition) => () => pipeline({ name: 'flights', tasks: [made] })
  const by = (options: Partial<ParquetOptions>) => flights.with({ output: output.with(options) })

  it.each<[string, Partial<ParquetOptions>, string]>([
    [
      'a partition by a column that is not there',
      { partitionBy: ['orign'] },
      'task flights: output.partitionBy: expected columns of date, delay, origin, got orign, did you mean origin',
    ],
    ['an order by a column that is not there', { sortBy: ['state'] }, 'output.sortBy: expected columns of'],
    ['partitions by all columns', { partitionBy: ['date', 'delay', 'origin'] }, 'got all of them'],
  ])('refuses %s', (_, options, message) => {
    expect(build(by(options))).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', name: 'PermanentError' }))
    expect(build(by(options))).toThrow(message)
  })

  it('knows the columns that steps add, and leaves those after SQL to the run', () => {
    const seasons = by({ partitionBy: ['season'] })
    expect(build(seasons.mapRows(() => null, { adds: { season: column.string() } }))).not.toThrow()
    expect(build(seasons.sql`select * from input`)).not.toThrow()
    expect(build(seasons)).toThrow('output.partitionBy')
  })
})

it('refuses a parameter that is not in the path of its output, unless it is salted', () => {
  const params = { month: param.month() }
  expect(changed({ params })).toThrow(expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS', name: 'PermanentError' }))
  expect(changed({ params })).toThrow('task flights: output.path: expected {month} or {salt} in {task}')
  expect(changed({ params, output: parquet({ path: '{task}/{month}' }) })).not.toThrow()
  expect(changed({ params, output: parquet({ path: '{task}', salted: true }) })).not.toThrow()
})

it('lets a parameter of the input be missing from the path where other runs are kept', () => {
  const params = { month: param.month() }
  const monthly = source.with({ paths: 'incoming/{month}/*.zip' })
  const append = output.with({ mode: 'append' })
  expect(changed({ params, source: monthly, output: append })).not.toThrow()
  expect(changed({ params, output: append })).toThrow(expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS' }))
})

it('lets it be missing where another task has a dataset for each value, and passes its own on', () => {
  const params = { month: param.month() }
  const sales = changed({ params, name: 'sales', output: parquet({ path: '{task}/{month}' }) })()
  const ambiguous = expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS' })
  const kept = (options: object) => () =>
    task({ name: 'kept', source: partitionsOf(sales), output: output.with({ mode: 'append' }), ...options })
  expect(kept({})).not.toThrow()
  expect(kept({ requires: [sales] })).not.toThrow()
  expect(kept({ output: delta({ path: 'kept', mode: 'replacePartitions', partitionBy: ['origin'] }) })).not.toThrow()
  expect(kept({ output })).toThrow(ambiguous)
  const fixed = sales.withParams({ month: '2024-01' })
  expect(kept({ params, requires: [fixed] })).toThrow(ambiguous)
  expect(kept({ params, requires: () => [fixed] })).toThrow(ambiguous)
  expect(kept({ params, source: partitionsOf('old'), requires: { old: fixed } })).toThrow(ambiguous)
  expect(kept({ source: partitionsOf('now'), requires: { now: sales, old: fixed } })).not.toThrow()
  const one = changed({
    params,
    name: 'one',
    source: source.with({ paths: '{month}/*.zip' }),
    output: output.with({ mode: 'append' }),
  })()
  expect(kept({ source: partitionsOf(one) })).toThrow(ambiguous)
})

it('refuses to append what is in another path when its code is edited, unless it is salted too', () => {
  const salted = flights.with({ output: parquet({ path: '{task}', salted: true }) })
  const kept = (path: object) => () =>
    task({ name: 'kept', source: partitionsOf(salted), output: parquet({ path: 'kept', mode: 'append', ...path }) })
  expect(kept({})).toThrow('task kept: output.salted: expected true, as task flights is salted')
  expect(kept({ salted: true })).not.toThrow()
})

it('refuses two free texts in one segment of a path, because it could be split in two ways', () => {
  const params = { a: param.string(), b: param.string() }
  expect(changed({ params, output: parquet({ path: '{task}/{a}-{b}' }) })).toThrow(
    expect.objectContaining({ code: 'OUTPUT_AMBIGUOUS' }),
  )
  const withMonth = { a: param.string(), b: param.month() }
  expect(changed({ params: withMonth, output: parquet({ path: '{task}/{a}-{b}' }) })).not.toThrow()
})
