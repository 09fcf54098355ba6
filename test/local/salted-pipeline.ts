/** The text of a pipeline in which one of three tasks has a salted output. */

export const saltedInput = { 'sales/2024.csv': 'shop,amount\na,1\na,2\na,3\n' }

/** `name` is that of the pipeline, `factor` changes the code of the salted task, `where` that of the task before it; `options` are options of the salted task. */
export const saltedPipeline = ({ name = 'sales', factor = 1, where = 'true', options = '' } = {}) => `
import { column, csv, files, param, parquet, partitionsOf, pipeline, sum, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { year: param.integer() },
  source: files({ paths: 'sales/{year}.csv', format: csv() }),
  columns: { shop: column.string(), amount: column.int32({ required: true }) },
  output: parquet({ path: '{task}/{year}' }),
}).sql\`select * from input where ${where}\`
const totals = task({
  name: 'totals',
  source: partitionsOf(sales),
  output: parquet({ path: '{task}/{year}', salted: true }),
  ${options}
}).reduce({ by: ['shop'], measures: { total: sum('amount') } }).sql\`select (${factor} * total)::integer as total from input\`
const top = task({ name: 'top', source: partitionsOf(totals), output: parquet({ path: '{task}/{year}' }) })
export default pipeline({ name: '${name}', tasks: [sales, totals, top] })
`
