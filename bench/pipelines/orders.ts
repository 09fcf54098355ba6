/** The benchmark's tasks: the same orders, read from each input with and without what costs time. */
import { column, csv, files, parquet, pipeline, task, zipMembers } from 'fanmill'

const columns = {
  order_id: column.int64(),
  ordered_at: column.timestamp(),
  customer_id: column.int64(),
  product: column.string(),
  quantity: column.int64(),
  unit_price: column.float64(),
  country: column.string(),
  gift: column.boolean(),
  note: column.string(),
}
// Snappy, not the default zstd: what the peers are told to write too.
const output = parquet({ path: '{task}', compression: 'snappy' })
const members = (archives: string) => zipMembers({ paths: archives, members: '**/*.csv', format: csv() })
const text = (paths: string) => files({ paths, format: csv() })

const many = members('many.zip')
const big = text('big.csv')

export const orders = pipeline({
  name: 'orders',
  tasks: [
    task({ name: 'many', source: many, columns, output }),
    task({ name: 'many-lenient', source: many, columns, output, strict: false }),
    task({ name: 'many4x', source: members('many-4x.zip'), columns, output, strict: false }),
    task({ name: 'million', source: members('million.zip'), columns, output }),
    task({ name: 'tiny', source: members('tiny.zip'), columns, output, strict: false }),
    task({ name: 'big', source: big, columns, output }),
    task({ name: 'big-lenient', source: big, columns, output, strict: false }),
    task({ name: 'large-lenient', source: text('large.csv'), columns, output, strict: false }),
    task({ name: 'huge', source: members('huge.zip'), columns, output, strict: false }),
    task({ name: 'gzip', source: text('orders.csv.gz'), columns, output, strict: false }),
    task({ name: 'newlines', source: text('newlines.csv'), columns, output, strict: false }),
    task({ name: 'files', source: text('files/*/*.csv'), columns, output }),
    task({ name: 'gzips', source: text('gzips/*/*.csv.gz'), columns, output }),
    task({
      name: 'big-sql',
      source: big,
      columns,
      output,
    }).sql`select * replace (trim(country) as country) from input where quantity > 0`,
    task({
      name: 'big-map-rows',
      source: big,
      columns,
      output,
    }).mapRows(({ quantity, unit_price, gift }) => ({ total: gift ? 0 : Number(quantity) * (unit_price ?? 0) }), {
      adds: { total: column.float64() },
    }),
  ],
})

export default orders
