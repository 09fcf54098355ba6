/** A small pipeline in a folder of its own, and its runs. */
import { join } from 'node:path'
import { type RunOptions, type RunResult, run } from '../../lib/index.ts'
import { folderOf } from '../cli/fanmill.ts'
import { buildZip } from '../zip-builder.ts'

const pipelineText = (task: string, steps: string): string => `
import { column, csv, parquet, param, pipeline, sql, table, task, zipMembers } from 'fanmill'

export const trips = task({
  name: 'trips',
  params: { month: param.month({ default: '2001-01' }) },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', members: '**/*.csv', format: csv() }),
  columns: { id: column.int64(), city: column.string(), day: column.date(), price: column.decimal(6, 2) },
  output: parquet({ path: '{task}/{month}', partitionBy: ['day'] }),
  ${task}
})${steps}

export default pipeline({ name: 'trips', tasks: [trips] })
`
export const goodMembers = {
  'a.csv': 'id,city,day,price\n1,Oslo,2001-01-01,1.50\n2,Rome,2001-01-02,2\n',
  'b/c.csv': 'city,id,day,price\nBern,3,,\n',
}

export interface Project {
  readonly folder: string
  readonly pipeline: string
  readonly output: string
  /** The dataset's folder. */
  readonly dataset: string
  run(options?: RunOptions): Promise<RunResult>
}

/** More options and the steps of the task are given as text; the options override those above them. */
export function tripsProject({
  members = goodMembers,
  task = '',
  steps = '',
}: {
  members?: Readonly<Record<string, string>>
  task?: string
  steps?: string
} = {}): Project {
  const folder = folderOf({
    'pipeline.ts': pipelineText(task, steps),
    'incoming/2001-01/x.zip': buildZip(members),
    'reference/cities.csv': 'name,country\nOslo,NO\n',
  })
  const pipeline = join(folder, 'pipeline.ts')
  const output = join(folder, 'out')
  return {
    folder,
    pipeline,
    output,
    dataset: join(output, 'trips/2001-01'),
    run: options => run(pipeline, { input: folder, output, workers: 1, ...options }),
  }
}
