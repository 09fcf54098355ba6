/** `fanmill sql`: prints the rows of a SELECT over committed datasets. */
import { createReadStream } from 'node:fs'
import { extname } from 'node:path'
import { pipeline as connect } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { QueryFormat, SqlOptions } from '../../datasets/sql-query.ts'
import { PermanentError } from '../../errors/errors.ts'
import { isNumberName } from '../../model/type-names.ts'
import {
  addCommand,
  addParamOptions,
  addRootOptions,
  type CommonOptions,
  collect,
  type ParamOptions,
  readParams,
} from '../options.ts'
import { print, printToStderr } from '../output.ts'
import { readPlace } from '../place.ts'
import { formatCount } from '../view/amounts.ts'
import { printTable } from '../view/table.ts'

export function addSqlCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'sql <select>',
    description: 'run SQL over committed datasets; tables are datasets below the output',
    examples: [
      'sql "select origin, avg(delay) from flights group by origin"',
      'sql "select * from a join b using (id)" --dataset a=out/flights --dataset b=s3://lake/airports --to rows.parquet',
      'sql "select count(*) from sales" --tasks pipelines/sales.ts --param month=2024-01',
    ],
  })
  addRootOptions(addParamOptions(command))
    .option('--dataset <name=path>', 'a table and the folder of its dataset; may be repeated', collect('name=path'))
    .option('--tasks <pipeline>', 'a pipeline file, whose tasks are tables under the given parameters')
    .addOption(new Option('--format <name>', 'form of the rows (default: table)').choices(formatNames))
    .option('--to <file>', 'write the rows to this file; its ending says the format (.csv, .json, .parquet)')
    .action(sqlAction)
}

const formatNames = ['table', 'csv', 'json', 'parquet'] as const
type FormatName = (typeof formatNames)[number]

interface SqlFlags extends CommonOptions, ParamOptions {
  readonly dataset?: Readonly<Record<string, string>>
  readonly tasks?: string
  readonly format?: FormatName
  readonly to?: string
}

async function sqlAction(statement: string, flags: SqlFlags): Promise<void> {
  const { output, access } = await readPlace({ ...flags })
  const options = { ...access, output, datasets: { ...(await tasksOf(flags, output)), ...flags.dataset } }
  const format = formatOf(flags)
  if (format === 'table') await printRows(statement, options)
  else await writeRows(statement, options, { format, to: flags.to })
}

async function tasksOf({ tasks, ...flags }: SqlFlags, output: string): Promise<Readonly<Record<string, string>>> {
  if (tasks === undefined) return {}
  const { loadHashed } = await import('../../local/pipeline-file.ts')
  const { taskDatasets } = await import('../../local/task-datasets.ts')
  return taskDatasets(await loadHashed(tasks), readParams(flags), output)
}

/** The format of a file by its ending. */
const endings: Readonly<Record<string, QueryFormat>> = {
  '.csv': 'csv',
  '.json': 'json',
  '.jsonl': 'json',
  '.parquet': 'parquet',
}

/** @throws USAGE */
function formatOf({ format, to, json }: SqlFlags): FormatName {
  const ending = to === undefined ? undefined : endings[extname(to).toLowerCase()]
  const chosen = format ?? ending ?? (json ? 'json' : to === undefined ? 'table' : undefined)
  const usage = (message: string): PermanentError => new PermanentError('USAGE', message)
  if (chosen === undefined)
    throw usage(`expected a file that ends in .csv, .json or .parquet, got ${to}; or give --format`)
  if (chosen === 'table' && to !== undefined) throw usage('expected csv, json or parquet with --to, got table')
  if (chosen === 'parquet' && to === undefined && process.stdout.isTTY)
    throw usage('expected --to with the format parquet, which no terminal shows, got none')
  return chosen
}

async function printRows(statement: string, options: SqlOptions): Promise<void> {
  const { sqlRows } = await import('../../datasets/sql-query.ts')
  const { columns, rows, isWhole } = await sqlRows(statement, options)
  const titles = columns.map(({ name }) => name)
  const numbers = columns.filter(({ type }) => isNumberName(type)).map(({ name }) => name)
  printTable(titles, rows, { numbers, otherwise: 'no rows' })
  if (!isWhole)
    printToStderr(`only the first ${formatCount(rows.length)} rows; --format csv, json or parquet gives all`)
}

async function writeRows(
  statement: string,
  options: SqlOptions,
  { format, to }: { readonly format: QueryFormat; readonly to: string | undefined },
): Promise<void> {
  const { placeFile, writeSql } = await import('../../datasets/sql-query.ts')
  const use = (file: string): Promise<void> =>
    to === undefined ? connect(createReadStream(file), process.stdout, { end: false }) : placeFile(file, to)
  const rows = await writeSql(statement, options, { format, use })
  if (to !== undefined) print(`${formatCount(rows)} rows: ${to}`)
}
