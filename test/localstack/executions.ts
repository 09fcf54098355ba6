/** Executions of a deployed pipeline: started by uploads or by hand, found, and waited for. */
import { setTimeout as pause } from 'node:timers/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  type ExecutionListItem,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import type { DeployedPipeline } from './deployment.ts'

export interface Ended {
  readonly arn: string
  readonly status: string
  /** Of the key that was uploaded; by hand, none. */
  readonly key: string | undefined
  /** What each task's branch gave. */
  readonly tasks: readonly {
    readonly task: string
    readonly status: string
    readonly run?: { runId: string; attempt: number }
  }[]
  /** JSON of what failed. */
  readonly cause: string
}

type Place = Pick<DeployedPipeline, 'input' | 'stateMachineArn'>

export async function upload({ input }: Place, key: string, body: Uint8Array): Promise<void> {
  await new S3Client({ forcePathStyle: true }).send(new PutObjectCommand({ Bucket: input, Key: key, Body: body }))
}

/** The ends of so many executions that uploads of these keys started, the first one first. */
export async function endsOf(pipeline: Place, keys: readonly string[], count = keys.length): Promise<Ended[]> {
  for (;;) {
    const found = await startedBy(pipeline, keys)
    const ended = found.filter(({ status }) => status !== 'RUNNING')
    if (ended.length >= count)
      return Promise.all(ended.map(async ({ executionArn }) => endedOf(await describe(executionArn))))
    await pause(pollMs)
  }
}

/** Uploads and waits for the end of the execution that this upload started. */
export async function uploadAndWait(pipeline: Place, key: string, body: Uint8Array): Promise<Ended> {
  const before = (await startedBy(pipeline, [key])).length
  await upload(pipeline, key, body)
  return (await endsOf(pipeline, [key], before + 1)).at(-1) as Ended
}

/** Starts one by hand, and waits for its end. @param input a ManualEvent, or a whole S3 event again */
export async function startAndWait({ stateMachineArn }: Place, input: object): Promise<Ended> {
  const started = await client().send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }))
  for (;;) {
    const described = await describe(started.executionArn)
    if (described.status !== 'RUNNING') return endedOf(described)
    await pause(pollMs)
  }
}

/** All of them, the first one first. */
export async function executionsOf(pipeline: Place): Promise<DescribeExecutionCommandOutput[]> {
  return Promise.all((await listed(pipeline)).map(({ executionArn }) => describe(executionArn)))
}

/** Names of the states that it entered. */
export async function statesOf(executionArn: string): Promise<string[]> {
  const events: HistoryEvent[] = []
  let nextToken: string | undefined
  do {
    const page = await client().send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, nextToken }))
    events.push(...(page.events ?? []))
    nextToken = page.nextToken
  } while (nextToken)
  return events.flatMap(event => event.stateEnteredEventDetails?.name ?? [])
}

const pollMs = 300
let opened: SFNClient | undefined
const client = (): SFNClient => {
  opened ??= new SFNClient({})
  return opened
}
const describe = (executionArn: string | undefined): Promise<DescribeExecutionCommandOutput> =>
  client().send(new DescribeExecutionCommand({ executionArn }))

/** The first one first. */
async function listed({ stateMachineArn }: Place): Promise<ExecutionListItem[]> {
  const items: ExecutionListItem[] = []
  let nextToken: string | undefined
  do {
    const page = await client().send(new ListExecutionsCommand({ stateMachineArn, nextToken }))
    items.push(...(page.executions ?? []))
    nextToken = page.nextToken
  } while (nextToken)
  return items.sort((a, b) => Number(a.startDate) - Number(b.startDate))
}

async function startedBy(pipeline: Place, keys: readonly string[]): Promise<ExecutionListItem[]> {
  const items = await listed(pipeline)
  const own = await Promise.all(items.map(async ({ executionArn }) => keyOf(await inputOf(executionArn))))
  return items.filter((_, index) => keys.includes(own[index] ?? ''))
}

/** Asked for once: while one waits, only the listing is. */
function inputOf(executionArn = ''): Promise<string> {
  const known = inputs.get(executionArn) ?? describe(executionArn).then(({ input = '{}' }) => input)
  inputs.set(executionArn, known)
  return known
}
const inputs = new Map<string, Promise<string>>()

const keyOf = (input: string): string | undefined => JSON.parse(input).detail?.object?.key

function endedOf(described: DescribeExecutionCommandOutput): Ended {
  const { executionArn = '', status = '', output = '[]', cause = '' } = described
  return { arn: executionArn, status, key: keyOf(described.input ?? '{}'), tasks: JSON.parse(output), cause }
}
