/** The CDK app of another project, in its own folder with the built package: pipelines whose faults the tests provoke by parameter. */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publishInto } from '../publish-into.ts'

export const theirStack = 'Theirs'

/** The state machine that a task calls, and its name. */
const martsName = 'fanmill-marts'
export const martsArn = `arn:aws:states:us-east-1:000000000000:stateMachine:${martsName}`

/** Name in the pipeline of a secret that has a generated name. */
export const secretName = 'uploads/api-key'

/** Text that a thread stages at once: that of the smallest slice, so that many batches need little text. */
export const groupBytes = 1024 * 1024

/** The emulator runs functions as processes of its host. */
export const ownArchitecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'

/** Command for `cdk --app` in that folder. */
export async function writeTheirApp(folder: string): Promise<string> {
  publishInto(folder)
  await leaveLibrary(join(folder, 'node_modules/@duckdb'))
  for (const [name, text] of Object.entries(files)) await write(join(folder, name), text)
  return `${process.execPath} app.ts`
}

/** The engine's packages of this repository. */
const enginePackages = fileURLToPath(new URL('../../node_modules/@duckdb', import.meta.url))
const binding = `node-bindings-linux-${process.arch}`

/**
 * Leaves the engine's library of 70 MB out of the assets of this app, which would be hashed, zipped and unzipped five times. Its
 * functions find it where it is installed. The assets of the flights and of the tutorial have their own.
 */
async function leaveLibrary(packages: string): Promise<void> {
  await rm(packages)
  await mkdir(join(packages, binding), { recursive: true })
  const link = (name: string) => symlink(join(enginePackages, name), join(packages, name))
  for (const name of ['node-api', 'node-bindings']) await link(name)
  for (const name of await readdir(join(enginePackages, binding)))
    if (!name.endsWith('.so')) await link(join(binding, name))
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** The second tier has several times the JavaScript heap that a thread of the first has. */
const app = `import { App, Duration, SecretValue, Stack } from 'aws-cdk-lib'
import { Function } from 'aws-cdk-lib/aws-lambda'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { FanmillPipeline } from 'fanmill/cdk'

const stack = new Stack(new App(), '${theirStack}')
const small = { memoryMb: 512, threads: 2, temporaryStorageMb: 512 }
const middle = { memoryMb: 1024, threads: 1, temporaryStorageMb: 512 }
const large = { memoryMb: 3008, threads: 1, temporaryStorageMb: 512 }
const apiKey = new Secret(stack, 'ApiKey', { secretStringValue: SecretValue.unsafePlainText('sesame') })
for (const [id, entry, tiers] of [['Visits', 'visits', [small, large]], ['Operated', 'visits', [middle]], ['Waiting', 'visits', [small]], ['Uploads', 'uploads', [small]], ['Queued', 'uploads', [small]], ['Chained', 'shops', [small]]]) {
  const given = { entry: \`pipelines/\${entry}.ts\`, tiers, architecture: '${ownArchitecture}', dashboard: false, maxConcurrency: id === 'Operated' ? 2 : 100, allowShip: id === 'Chained', ...(entry === 'uploads' && { secrets: { '${secretName}': apiKey } }), ...(id === 'Queued' && { uploads: 'queue', uploadWindow: Duration.seconds(5) }) }
  const { plan, process, commit, output } = new FanmillPipeline(stack, id, given)
  if (id === 'Chained') marts(output)
  for (const { function: each } of [plan, ...process, commit]) each.addEnvironment('FANMILL_GROUP_BYTES', '${groupBytes}').addEnvironment('FANMILL_SETTLE_SECONDS', '1')
}
// Two versions of one pipeline over the same buckets: the second has an edited step.
const common = { tiers: [middle], architecture: '${ownArchitecture}', dashboard: false, trigger: false }
const { input, output } = new FanmillPipeline(stack, 'Airports', { ...common, entry: 'pipelines/airports.ts' })
new FanmillPipeline(stack, 'Edited', { ...common, input, output, entry: 'pipelines/airports-edited.ts' })
for (const each of stack.node.findAll()) if (each instanceof Function) each.addEnvironment('LD_LIBRARY_PATH', '${join(enginePackages, binding)}')

/** Somebody else's state machine, which a task calls: it writes the flag that the task waits for. */
function marts(bucket) {
  const flag = { Bucket: bucket.bucketName, 'Key.$': "States.Format('marts/{}/_SUCCESS', $.month)", 'Body.$': '$.month' }
  const write = { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:s3:putObject', Parameters: flag, End: true }
  const definition = stack.toJsonString({ StartAt: 'write', States: { write } })
  new StateMachine(stack, 'Marts', { stateMachineName: '${martsName}', definitionBody: DefinitionBody.fromString(definition) })
}
`

/** The key of an upload, `incoming/<shop>/…`, decides about its faults. */
const visits = `import { column, csv, param, parquet, pipeline, task, zipMembers } from 'fanmill'

const visits = task({
  name: 'visits',
  params: { shop: param.string() },
  source: zipMembers({ paths: 'incoming/{shop}/*.zip', members: '*.csv', format: csv() }),
  columns: { member: column.int32(), row: column.int32(), city: column.string(), note: column.string() },
  output: parquet({ path: '{task}/{shop}', partitionBy: ['city'] }),
}).mapRows(({ member, row }, { params }) => {
  if (params.shop.startsWith('hungry') && member === 3 && row === 0) eat()
  return { place: \`\${member}/\${row}\` }
}, { adds: { place: column.string() } })

/** More JavaScript heap than a thread of the first tier may have. */
function eat() {
  const eaten = []
  for (let at = 0; at < 5_000_000; at++) eaten.push({ at, half: at / 2 })
  if (eaten.length !== 5_000_000) throw new Error('expected what was eaten')
}

export default pipeline({ name: 'visits', tasks: [visits], trigger: { upload: 'incoming/{shop}/*.zip' } })
`

/** One upload starts both tasks at the same time; both fail without their secret. */
const uploads = `import { column, csv, param, parquet, pipeline, secret, task, zipMembers } from 'fanmill'

const latest = task({
  name: 'latest',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', members: '*.csv', format: csv() }),
  columns: { archive: column.int32(), row: column.int32() },
  secrets: { api: secret('${secretName}') },
  setup({ secrets }) {
    if (secrets.api !== 'sesame') throw new Error('expected the secret')
  },
  output: parquet({ path: '{task}/{month}' }),
})
const ledger = latest.with({ name: 'ledger', output: parquet({ path: '{task}/{month}', mode: 'append' }) })

export default pipeline({ name: 'uploads', tasks: [latest, ledger], trigger: { upload: 'incoming/{month}/*.zip' } })
`

/**
 * Three tasks in a row: the first makes its rows and sorts them over all batches, the others read what the one before wrote, and a state
 * machine is called at the end. One shop has a fault by parameter.
 */
export const shops = `import { column, param, parquet, partitionsOf, pipeline, rowsFrom, stateTask, task } from 'fanmill'

const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: rowsFrom({
    partitions: ({ month }) => [1, 2, 3].map(shop => ({ month, shop })),
    async *rows({ month, shop }) {
      if (month === '1999-12' && shop === 2) throw new Error('the shop is closed')
      for (let sale = 0; sale < 100; sale++) yield { shop, total: shop * sale }
    },
    partitionBytes: ${512 * 1024},
  }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: '{task}/{month}', sortBy: { columns: ['total', 'shop'], descending: ['total'], global: true } }),
})
const large = task({
  name: 'large',
  source: partitionsOf(sales),
  output: parquet({ path: '{task}/{month}', partitionBy: ['shop'], salted: true }),
}).sql\`select shop, total from input where total >= 150\`
const doubled = task({
  name: 'doubled',
  source: partitionsOf(large),
  output: parquet({ path: '{task}/{month}' }),
}).sql\`select cast(shop as integer) as shop, 2 * total as total from input\`
const marts = stateTask({
  name: 'marts',
  requires: doubled,
  integration: 'states:startExecution.sync:2',
  arguments: ({ month }) => ({ StateMachineArn: '${martsArn}', Input: { month } }),
  permissions: [{ actions: ['states:StartExecution', 'states:DescribeExecution', 'states:StopExecution'], resources: ['*'] }],
  target: '{task}/{month}/_SUCCESS',
  root: 'output',
})

export default pipeline({ name: 'shops', tasks: [doubled, large, sales, marts] })
`

/**
 * Flights that somebody else uploads, delays by origin, and the airports with most flights, which stand together in
 * one bucket of an exchange and are announced by a program. The flights from these airports are kept by a join, once the delays of all
 * months before are complete, which is found out from the uploads.
 */
const airports = (
  flights: number,
) => `import { column, count, cron, csv, externalTask, files, joinOf, lastMonth, openDataset, param, parquet, partitionsOf, pipeline, programTask, sum, task } from 'fanmill'

const uploaded = externalTask({ name: 'uploaded', params: { month: param.month() }, target: 'incoming/{month}/_SUCCESS' })
const flights = task({
  name: 'flights',
  requires: uploaded,
  source: files({ paths: 'incoming/{month}/*.csv', format: csv() }),
  columns: { origin: column.string(), destination: column.string(), delay: column.int32(), distance: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
})
const delays = task({
  name: 'delays',
  source: partitionsOf(flights),
  output: parquet({ path: '{task}/{month}' }),
}).reduce({ by: ['origin'], measures: { flights: count(), delay: sum('delay') } })
const top = task({
  name: 'top',
  source: partitionsOf(delays),
  output: parquet({ path: '{task}/{month}' }),
})
  .sql\`select origin, flights, delay, 'all' as country from input where flights >= ${flights}\`
  .exchange({ by: ['country'] })
  .sql({ scope: 'bucket' })\`select origin, flights, delay, row_number() over (partition by country order by flights desc, origin) as place from input\`
const announced = programTask({
  name: 'announced',
  requires: top,
  command: ({ month }) => ['sh', '-c', 'echo "the airports of $0 are known"; test "$FANMILL_TASK" = announced', month],
})
const kept = task({
  name: 'kept',
  requires: top,
  async discover({ month }, { required, list }) {
    const [first] = await Array.fromAsync((await openDataset(required[0].dataset)).rows())
    if (!first) throw new Error('expected airports of ' + month)
    const months = (await list('incoming/*/_SUCCESS')).map(key => key.split('/')[1])
    return delays.each({ month: months.filter(each => each <= month) })
  },
  source: joinOf({ left: flights, right: top }, { on: ['origin'], how: 'semi' }),
  output: parquet({ path: '{task}/{month}' }),
})

export default pipeline({
  name: 'airports',
  tasks: [flights, delays, top, announced, kept],
  schedule: cron('0 6 1 * ? *', { timezone: 'Europe/Berlin', params: { month: lastMonth } }),
})
`

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "theirs", "private": true, "type": "module" }',
  'app.ts': app,
  'pipelines/visits.ts': visits,
  'pipelines/uploads.ts': uploads,
  'pipelines/shops.ts': shops,
  'pipelines/airports.ts': airports(10),
  'pipelines/airports-edited.ts': airports(100),
}
