import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, parquet, sql, zipMembers } from '../../../lib/define/index.ts'
import type { ParquetOptions } from '../../../lib/define/outputs/output.ts'
import { partitionFolder } from '../../../lib/paths/partition-path.ts'
import { buildZip } from '../../zip-builder.ts'
import { convertTask, mapRows, rowsOf, taskOf, withShares } from '../converting.ts'

// It has no types.
const { ParquetReader } = createRequire(import.meta.url)('parquetjs-lite')

const columns = { k: column.string(), n: column.int32() }
const outputOf = (options: Partial<ParquetOptions>) => parquet({ path: 'out', ...options })

/** A file as another library reads it. */
async function readParquet(
  file: string,
): Promise<{ rows: Record<string, unknown>[]; metadata: Awaited<ReturnType<typeof parquetMetadataAsync>> }> {
  const bytes = readFileSync(file)
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  return { rows: await parquetReadObjects({ file: buffer, compressors }), metadata: await parquetMetadataAsync(buffer) }
}

const lineOf = (row: object): string => JSON.stringify(row)

describe('partitions', () => {
  const odd = [
    'plain',
    'with-dash',
    'a/b',
    'a=b',
    '50%',
    'é€😀',
    'UPPER',
    'upper',
    '..',
    '.',
    '__HIVE_DEFAULT_PARTITION__',
    '%2F',
    'quote"s\'',
    'back\\slash',
    'tab\there',
    'two\nlines',
    '',
  ]

  it('keep every value apart and as it is, in folders whose names are safe', async () => {
    const text = [...odd, null].map((k, n) => lineOf({ k, n })).join('\n')
    const source = files({ paths: '*', format: jsonLines() })
    const { parts, rows } = await convertTask(taskOf({ source, columns, output: outputOf({ partitionBy: ['k'] }) }), {
      inputs: { 'x.jsonl': text },
    })
    // The empty text has the folder that Hive gives a null, and is one.
    expect(parts.map(part => part.partition.k).sort()).toEqual([...odd.filter(k => k !== ''), null].sort())
    expect(rows.map(row => Number(row.n)).sort((a, b) => a - b)).toEqual([...odd, null].map((_, n) => n))
    expect(Object.keys(rows[0] ?? {})).toEqual(['n'])
    const folders = parts.map(part => partitionFolder(part.partition))
    for (const folder of folders) expect(folder).toMatch(/^k=[^/\\"'=\s]+\/$/)
    expect(new Set(folders).size).toBe(odd.length)
    expect(parts.filter(part => part.partition.k === null)).toMatchObject([{ rows: 2 }])
    const values = folders.map(folder => decodeURIComponent(folder.slice(2, -1)))
    expect(values.filter(value => value === '..' || value === '.')).toHaveLength(2)
    expect(folders).not.toContain('k=../')
  })

  it('may be of several columns of every type', async () => {
    const types = { d: column.date(), b: column.boolean(), n: column.int32() }
    const { parts } = await convertTask(taskOf({ columns: types, output: outputOf({ partitionBy: ['d', 'b'] }) }), {
      inputs: { 'x.csv': 'd,b,n\n2001-02-03,true,1\n2001-02-03,false,2\n2001-02-03,true,3\n' },
    })
    expect(parts.map(({ partition, rows }) => ({ ...partition, rows })).sort((a, b) => a.rows - b.rows)).toEqual([
      { d: '2001-02-03', b: 'false', rows: 1 },
      { d: '2001-02-03', b: 'true', rows: 2 },
    ])
  })

  it('without rows are one part with the schema, and the rows read are counted once', async () => {
    const done = await convertTask(
      taskOf({
        columns,
        transform: sql`select * from input where n > 5`,
        output: outputOf({ partitionBy: ['k'], sortBy: ['n'] }),
      }),
      { inputs: { 'x.csv': 'k,n\na,1\nb,2\n' } },
    )
    expect(done.parts).toMatchObject([{ rows: 0, partition: {} }])
    expect(done.results[0]).toMatchObject({ recordsFound: 2, rowsRead: 2, rowsWritten: 0 })
  })

  it('may be of a provenance column under another name', async () => {
    const definition = taskOf({
      columns,
      provenance: ['_archive'],
      transform: sql`select *, "_archive" as "archive" from input`,
      output: outputOf({ partitionBy: ['archive'] }),
    })
    const { parts } = await convertTask(definition, { inputs: { 'x.csv': 'k,n\na,1\n', 'y.csv': 'k,n\nb,2\n' } })
    expect(parts.map(part => part.partition.archive).sort()).toEqual(['x.csv', 'y.csv'])
  })

  it('are refused when there are too many', async () => {
    const text = `k,n\n${Array.from({ length: 30 }, (_, n) => `k${n},${n}\n`).join('')}`
    const definition = taskOf({ columns, output: outputOf({ partitionBy: ['k'], partitionsMax: 29 }) })
    await expect(convertTask(definition, { inputs: { 'x.csv': text } })).rejects.toMatchObject({
      code: 'TOO_MANY_PARTITIONS',
      detail: { partitions: 30, partitionsMax: 29 },
    })
  })

  it.each(['partitionBy', 'sortBy'] as const)(
    'by a column that the transform does not return are refused: %s',
    async option => {
      const definition = taskOf({
        columns,
        transform: sql`select n as num, k from input`,
        output: outputOf({ [option]: ['n'] }),
      })
      await expect(convertTask(definition, { inputs: { 'x.csv': 'k,n\na,1\n' } })).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('columns that the transform returns, got n'),
      })
    },
  )
})

describe('a part', () => {
  const text = `k,n\n${Array.from({ length: 5000 }, (_, n) => `v${n % 7},${(n * 7919) % 5000}\n`).join('')}`

  it.each([
    ['zstd', 'ZSTD'],
    ['snappy', 'SNAPPY'],
    ['gzip', 'GZIP'],
    ['lz4', 'LZ4_RAW'],
    ['uncompressed', 'UNCOMPRESSED'],
  ] as const)('is read by another library when it is %s', async (compression, codec) => {
    await withShares(
      taskOf({ columns, output: outputOf({ compression }) }),
      { inputs: { 'x.csv': text } },
      async ([result]) => {
        const { rows, metadata } = await readParquet(result?.parts[0]?.file ?? '')
        expect(rows).toHaveLength(5000)
        expect(rows[1]).toEqual({ k: 'v1', n: 2919 })
        expect(metadata.row_groups[0]?.columns[0]?.meta_data?.codec).toBe(codec)
      },
    )
  })

  it('is read by a third library, without the types that it does not know', async () => {
    await withShares(
      taskOf({ columns, output: outputOf({ compression: 'snappy' }) }),
      { inputs: { 'x.csv': 'k,n\na,1\n,2\n' } },
      async ([result]) => {
        const reader = await ParquetReader.openFile(result?.parts[0]?.file ?? '')
        const cursor = reader.getCursor()
        const rows = [await cursor.next(), await cursor.next(), await cursor.next()]
        await reader.close()
        expect(rows.map(row => row && `${row.k ?? null} ${row.n}`)).toEqual(['a 1', 'null 2', null])
      },
    )
  })

  it('is sorted by sortBy, with statistics of its row groups', async () => {
    await withShares(
      taskOf({ columns, output: outputOf({ sortBy: ['n'], rowGroupRows: 2048 }) }),
      { inputs: { 'x.csv': text } },
      async ([result]) => {
        const { rows, metadata } = await readParquet(result?.parts[0]?.file ?? '')
        expect(rows.map(row => row.n)).toEqual(Array.from({ length: 5000 }, (_, n) => n))
        const bounds = metadata.row_groups
          .map(group => group.columns[1]?.meta_data?.statistics)
          .map(each => [each?.min_value, each?.max_value])
        expect(bounds).toEqual([
          [0, 2047],
          [2048, 4095],
          [4096, 4999],
        ])
      },
    )
  })

  it.each([true, false])('has bloom filters when the output sets them: %s', async bloomFilters => {
    await withShares(
      taskOf({ columns, output: outputOf({ bloomFilters }) }),
      { inputs: { 'x.csv': text } },
      async ([result]) => {
        const { metadata } = await readParquet(result?.parts[0]?.file ?? '')
        expect(metadata.row_groups[0]?.columns[0]?.meta_data?.bloom_filter_offset !== undefined).toBe(bloomFilters)
      },
    )
  })

  it('has what docs/parquet-outputs.md says: filters where a dictionary is, no page index, no sorting columns, optional columns', async () => {
    const types = { few: column.string(), many: column.int32({ required: true }) }
    const lines = Array.from({ length: 30_000 }, (_, n) => `v${n % 7},${n}\n`).join('')
    await withShares(
      taskOf({ columns: types, output: outputOf({ sortBy: ['many'] }) }),
      { inputs: { 'x.csv': `few,many\n${lines}` } },
      async ([result]) => {
        const { metadata } = await readParquet(result?.parts[0]?.file ?? '')
        const [group] = metadata.row_groups
        const filters = group?.columns.map(each => each.meta_data?.bloom_filter_offset !== undefined)
        expect(filters).toEqual([true, false])
        expect(group?.columns.map(each => each.column_index_offset)).toEqual([undefined, undefined])
        expect(group?.sorting_columns).toBeUndefined()
        expect(metadata.schema.slice(1).map(each => each.repetition_type)).toEqual(['OPTIONAL', 'OPTIONAL'])
      },
    )
  })

  it('has row groups of bounded bytes, also where rows have long lists', async () => {
    const [rowCount, width, engineBytes] = [20_000, 600, 160 * 2 ** 20]
    const text = Array.from({ length: rowCount }, (_, n) => lineOf({ n })).join('\n')
    const lists = sql`select n, list_transform(range(${width}), x -> x / 8 + n) as list from input`
    const source = files({ paths: '*', format: jsonLines() })
    const task = taskOf({ source, columns: { n: column.int32() }, transform: [lists], output: outputOf({}) })
    await withShares(task, { inputs: { 'x.jsonl': text }, engineBytes }, async ([result]) => {
      const { file } = result!.parts[0]!
      const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(file))
      // A row group ends with the vector that passes the bound.
      expect(groups.length).toBeGreaterThan(1)
      const sizes = groups.map(group => Number(group.total_byte_size))
      expect(Math.max(...sizes)).toBeLessThan(engineBytes / 4 + 2048 * width * 8)
      const rows = await rowsOf([file], 'n, len(list) AS length, list[-1] AS last')
      const expected = Array.from({ length: rowCount }, (_, n) => ({
        ...{ n: String(n), length: String(width), last: ((width - 1) / 8 + n).toFixed(3) },
      }))
      expect(rows.map(row => ({ ...row, last: Number(row.last).toFixed(3) }))).toEqual(expected)
    })
  })

  it('has its true size and rows in the result', async () => {
    await withShares(
      taskOf({ columns, output: outputOf({ partitionBy: ['k'] }) }),
      { inputs: { 'x.csv': text } },
      async ([result]) => {
        for (const part of result?.parts ?? []) {
          const { metadata } = await readParquet(part.file)
          expect([part.sizeBytes, part.rows]).toEqual([readFileSync(part.file).length, Number(metadata.num_rows)])
        }
        expect(result?.parts).toHaveLength(7)
      },
    )
  })
})

const cell = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '"', ',', '\n', '\r\n', 'a\nb', ' x ', 'NULL', '\\', 'é'),
)
const field = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)
const rowsOfCells = fc.array(
  fc.record({
    id: fc.integer({ min: -2147483648, max: 2147483647 }),
    s: cell,
    // Without -0, which the engine writes as 0 where a dictionary has both.
    f: fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0),
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  { minLength: 1, maxLength: 40 },
)
type CellRow = { id: number; s: string | null; f: number; big: bigint }
const csvOf = (rows: readonly CellRow[]): string =>
  `id,s,f,big\n${rows.map(row => `${row.id},${field(row.s)},${row.f},${row.big}\n`).join('')}`
const cells = { id: column.int32(), s: column.string(), f: column.float64(), big: column.int64() }

describe('rows', () => {
  it('are written as they are read', async () => {
    const property = fc.asyncProperty(rowsOfCells, async rows => {
      await withShares(taskOf({ columns: cells }), { inputs: { 'x.csv': csvOf(rows) } }, async ([result]) => {
        const { rows: read } = await readParquet(result?.parts[0]?.file ?? '')
        expect(read).toEqual(rows)
      })
    })
    await fc.assert(property, { numRuns: 25 })
  })

  it('are the same for any slicing, any order of the members and any number of shares', async () => {
    const members = fc.array(rowsOfCells, { minLength: 1, maxLength: 5 })
    const source = zipMembers({ paths: '*.zip', format: csv() })
    const transform = [
      sql`select id, s, f, big, id % 5 as p from input where id % 3 <> 1`,
      mapRows((row: { s: string | null }) => (row.s === '' ? null : { l: row.s?.length ?? -1 }), {
        adds: { l: column.int32() },
      }),
    ] as const
    const definition = taskOf({ source, columns: cells, transform, output: outputOf({ partitionBy: ['p'] }) } as never)
    const setOf = async (
      groups: readonly (readonly CellRow[])[],
      options: { groupBytes?: number; shares?: number },
    ) => {
      const entries = groups.map((rows, index) => [`m${index}.csv`, csvOf(rows)])
      const halves = [entries.slice(0, 2), entries.slice(2)].filter(half => half.length > 0)
      const inputs = Object.fromEntries(
        halves.map((half, index) => [`${index}.zip`, buildZip(Object.fromEntries(half))]),
      )
      const { rows } = await convertTask(definition, { inputs, ...options })
      return createHash('sha256')
        .update(
          rows
            .map(row => JSON.stringify(row))
            .sort()
            .join('\n'),
        )
        .digest('hex')
    }
    const property = fc.asyncProperty(members, async groups => {
      const expected = await setOf(groups, {})
      expect(await setOf([...groups].reverse(), { groupBytes: 1 })).toBe(expected)
      expect(await setOf([groups.flat()], { shares: 2 })).toBe(expected)
      expect(await setOf(groups, { groupBytes: 300, shares: 3 })).toBe(expected)
    })
    await fc.assert(property, { numRuns: 6 })
  })
})

describe('memory', () => {
  it('that is too little for the engine fails with OUT_OF_MEMORY', async () => {
    const transform = sql`select list_transform(range(3000), a -> k || repeat('x', 1000000) || a) as l from input`
    await expect(
      convertTask(taskOf({ columns, transform }), { inputs: { 'x.csv': 'k,n\na,1\n' }, engineBytes: 64 * 1024 * 1024 }),
    ).rejects.toMatchObject({ name: 'CapacityError', code: 'OUT_OF_MEMORY' })
  })
})
