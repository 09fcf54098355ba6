/** Starts, finds and waits for executions of a deployed pipeline. */
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
import { readNodes } from '../../lib/deployed/graph-nodes.ts'
import type { DeployedPipeline } from './deployment.ts'
import { lakeOf } from './lake.ts'

export interface Ended {
  readonly arn: string
  readonly status: string
  /** Uploaded key; undefined for a start by hand. */
  readonly key: string | undefined
  /** The task, or the nodes of the graph. */
  readonly tasks: readonly {
    readonly task: string
    readonly node?: string
    readonly status: string
    readonly run?: { runId: string; attempt: number }
  }[]
  /** JSON of the failures. */
  readonly cause: string
}

type Place = Pick<DeployedPipeline, 'input' | 'output' | 'stateMachineArn'>

export async function upload({ input }: Place, key: string, body: Uint8Array): Promise<void> {
  await new S3Client({ forcePathStyle: true }).send(new PutObjectCommand({ Bucket: input, Key: key, Body: body }))
}

/** Waits for the ends of this many executions that uploads of these keys started, in the order of their start. */
export async function endsOf(pipeline: Place, keys: readonly string[], count = keys.length): Promise<Ended[]> {
  for (;;) {
    const found = await startedBy(pipeline, keys)
    const ended = found.filter(({ status }) => status !== 'RUNNING')
    if (ended.length >= count)
      return Promise.all(ended.map(async ({ executionArn }) => endedOf(pipeline, await describe(executionArn))))
    await pause(pollMs)
  }
}

/** Uploads and waits for the end of the execution that this upload started. */
export async function uploadAndWait(pipeline: Place, key: string, body: Uint8Array): Promise<Ended> {
  const before = (await startedBy(pipeline, [key])).length
  await upload(pipeline, key, body)
  return (await endsOf(pipeline, [key], before + 1)).at(-1) as Ended
}

/** Starts an execution by hand, and waits for its end. @param input a ManualEvent, or a whole S3 event */
export async function startAndWait(pipeline: Place, input: object): Promise<Ended> {
  const { stateMachineArn } = pipeline
  const started = await client().send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }))
  for (;;) {
    const described = await describe(started.executionArn)
    if (described.status !== 'RUNNING') return endedOf(pipeline, described)
    await pause(pollMs)
  }
}

/** Returns all executions in the order of their start. */
export async function executionsOf(pipeline: Place): Promise<DescribeExecutionCommandOutput[]> {
  return Promise.all((await listed(pipeline)).map(({ executionArn }) => describe(executionArn)))
}

/** Returns the names of the states that an execution entered. */
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

/** Each poll of a list takes LocalStack a hundredth of a second. */
const pollMs = 1000
let opened: SFNClient | undefined
const client = (): SFNClient => {
  opened ??= new SFNClient({})
  return opened
}
const describe = (executionArn: string | undefined): Promise<DescribeExecutionCommandOutput> =>
  client().send(new DescribeExecutionCommand({ executionArn }))

/** Lists executions in the order of their start. */
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

/** Returns the input of an execution, which is requested once. */
function inputOf(executionArn = ''): Promise<string> {
  const known = inputs.get(executionArn) ?? describe(executionArn).then(({ input = '{}' }) => input)
  inputs.set(executionArn, known)
  return known
}
const inputs = new Map<string, Promise<string>>()

const keyOf = (input: string): string | undefined => JSON.parse(input).detail?.object?.key

async function endedOf({ output: bucket }: Place, described: DescribeExecutionCommandOutput): Promise<Ended> {
  const { executionArn = '', status = '', output, cause = '' } = described
  const answer = JSON.parse(output ?? (cause || '[]'))
  const tasks = answer.graph === undefined ? answer : await readNodes(lakeOf(bucket), answer.graph)
  return { arn: executionArn, status, key: keyOf(described.input ?? '{}'), tasks, cause }
}
