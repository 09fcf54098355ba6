/** As many tasks and secrets as outgrow what a function's environment holds. */
import { column, csv, files, parquet, pipeline, secret, task } from 'fanmill'

const numbers = Array.from({ length: 100 }, (_, index) => index)

const tasks = numbers.map(index =>
  task({
    name: `daily-sales-${index}`,
    source: files({ paths: 'sales/*.csv', format: csv() }),
    columns: { amount: column.float64() },

    output: parquet({ path: '{task}' }),
  }),
)

export default pipeline({ name: 'many', tasks })
