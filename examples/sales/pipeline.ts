/** Sales of a shop's monthly exports, whose headers, dates and columns changed over the years, and their totals by month and store. */
import { column, count, csv, files, mean, parquet, partitionsOf, pipeline, sum, task } from 'fanmill'

export const sales = task({
  name: 'sales',
  source: files({ paths: 'incoming/*.csv', format: csv({ delimiter: ';', matchNames: 'ignoreCaseAndSpace' }) }),
  columns: {
    order: column.int64({ required: true, from: ['Bestellnr', 'Order ID', 'order_no'] }),
    day: column.date({
      required: true,
      from: ['Datum', 'Order Date', 'order_day'],
      format: ['%d.%m.%Y', '%Y-%m-%d', '%d %b %Y'],
    }),
    store: column.string({ required: true, trim: true, from: ['Filiale', 'Store'] }),
    // Refunds are in parentheses: (1.049,90 €).
    amount: column.decimal(10, 2, {
      required: true,
      from: ['Betrag', 'Amount'],
      decimalSeparator: ',',
      thousandsSeparator: '.',
      currency: ['€', 'EUR'],
      parentheses: true,
    }),
    discount: column.decimal(5, 4, { from: ['Rabatt', 'Discount'], percent: true, decimalSeparator: ',' }),
    gift: column.boolean({ from: ['Geschenk', 'Gift'], true: ['ja', 'yes'], false: ['nein', 'no'] }),
    // Only later exports have it.
    channel: column.string(),
  },
  onMissingColumn: 'null',
  output: parquet({ path: '{task}', sortBy: ['order'] }),
})

export const totals = task({
  name: 'totals',
  source: partitionsOf(sales),
  output: parquet({ path: '{task}', sortBy: ['month', 'store'] }),
}).sql<{ month: string }>`select *, strftime(day, '%Y-%m') as month from input`.reduce({
  by: ['month', 'store'],
  measures: { orders: count(), amount: sum('amount', { as: column.decimal(18, 2) }), discount: mean('discount') },
})

export default pipeline({ name: 'sales', tasks: [sales, totals] })
