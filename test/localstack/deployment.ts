/**
 * The two CDK apps of this suite, deployed once for all of its files: the first caller deploys, the others wait.
 *
 *     const { flights, visits, uploads, operated } = await deployment()   // in a beforeAll
 *
 * An instance that FANMILL_LOCALSTACK_ENDPOINT names must be a fresh one, whose functions reach the ports of this machine.
 * `flights` is this repository's own app, as it is. The others are in another app (their-app.ts): `visits`, `operated` and
 * `waiting` are one pipeline three times, each for one test file: a file that routes functions through a proxy leaves them without S3
 * when it ends, and one that stops executions would stop others'. Each has buckets and a state machine of its own.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { inject } from 'vitest'
import { environment } from './environment.ts'
import { withLock } from './install.ts'
import { ownArchitecture, theirStack, writeTheirApp } from './their-app.ts'

/** Outputs of the stack of one pipeline. */
export interface DeployedPipeline {
  readonly stack: string
  /** Id of the construct, with which the logical ids of its resources begin. */
  readonly id: string
  /** Name of the pipeline. */
  readonly name: string
  readonly stateMachineArn: string
  /** Names of the buckets; prefixes are empty. */
  readonly input: string
  readonly output: string
  /** Log groups of Plan, Process by tier, and Commit. */
  readonly logGroups: readonly string[]
}

export interface Deployment {
  /** Folder of the other app, with the built package in its node_modules. */
  readonly theirFolder: string
  readonly flights: DeployedPipeline
  readonly visits: DeployedPipeline
  readonly operated: DeployedPipeline
  readonly waiting: DeployedPipeline
  readonly uploads: DeployedPipeline
  /** Like `uploads`, but through a queue. */
  readonly queued: DeployedPipeline
  /** Three tasks in a row, each of which reads what the one before wrote. */
  readonly chained: DeployedPipeline
  /** Flights, delays by origin, top airports; `edited` is the same over the same buckets, with an edited last task. */
  readonly airports: DeployedPipeline
  readonly edited: DeployedPipeline
}

/** Constructs by their names in tests. */
const constructs = {
  flights: ['FanmillFlights', 'Flights'],
  visits: [theirStack, 'Visits'],
  operated: [theirStack, 'Operated'],
  waiting: [theirStack, 'Waiting'],
  uploads: [theirStack, 'Uploads'],
  queued: [theirStack, 'Queued'],
  chained: [theirStack, 'Chained'],
  airports: [theirStack, 'Airports'],
  edited: [theirStack, 'Edited'],
} as const

/** Deploys both apps, or waits for them. @throws Error with the output of the CDK, for all callers */
export async function deployment(): Promise<Deployment> {
  const folder = inject('deploymentFolder')
  const record = join(folder, 'outputs.json')
  await withLock(join(folder, 'lock'), async () => {
    if (existsSync(record)) return
    const made = await deployBoth(folder).catch((error: Error) => ({ error: error.message }))
    await writeFile(record, JSON.stringify(made))
  })
  const made = JSON.parse(await readFile(record, 'utf8')) as StackOutputs | { readonly error: string }
  if ('error' in made) throw new Error(String(made.error))
  const found = Object.entries(constructs).map(([name, place]) => [name, pipelineOf(made, place)])
  return { theirFolder: theirsIn(folder), ...Object.fromEntries(found) } as unknown as Deployment
}

/** Returns what a stack that a test deployed itself says about its pipeline. */
export async function deployedPipeline(stack: string, id: string): Promise<DeployedPipeline> {
  const { Stacks = [] } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: stack }))
  const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])
  return pipelineOf({ [stack]: Object.fromEntries(outputs) }, [stack, id])
}

/** Values of outputs by name, by stack. */
type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>

const theirsIn = (folder: string): string => join(folder, 'theirs')

const root = join(import.meta.dirname, '../..')

async function deployBoth(folder: string): Promise<StackOutputs> {
  const { Stacks = [] } = await new CloudFormationClient({}).send(new DescribeStacksCommand({}))
  if (Stacks.some(({ StackName }) => StackName === theirStack))
    throw new Error('expected a LocalStack on which this suite has not run yet, got one with its stacks; start it anew')
  const theirs = theirsIn(folder)
  const [app] = await Promise.all([
    writeTheirApp(theirs),
    // Outside of an app, which would be synthesized for it.
    cdk(['bootstrap', 'aws://000000000000/us-east-1'], { app: folder, folder: join(folder, 'bootstrap') }),
  ])
  const ours = ['--context', `architecture=${ownArchitecture}`, '--context', 'dashboard=false']
  const [one, other] = await Promise.all([
    deploy(ours, { app: root, folder: join(folder, 'ours') }),
    deploy(['--app', app], { app: theirs, folder: join(folder, 'their-assembly') }),
  ])
  return { ...one, ...other }
}

interface Place {
  /** Folder in which the CDK runs. */
  readonly app: string
  /** Folder for its output. */
  readonly folder: string
}

async function deploy(options: readonly string[], place: Place): Promise<StackOutputs> {
  const outputs = join(place.folder, 'outputs.json')
  await cdk(['deploy', '--require-approval', 'never', '--outputs-file', outputs, ...options], place)
  return JSON.parse(await readFile(outputs, 'utf8')) as StackOutputs
}

async function cdk(words: readonly string[], { app, folder }: Place): Promise<void> {
  await mkdir(folder, { recursive: true })
  const command = [join(root, 'node_modules/aws-cdk/bin/cdk'), ...words, '--output', join(folder, 'cdk.out')]
  const options = { cwd: app, env: { ...process.env, ...environment }, maxBuffer: 1 << 26 }
  const ending = promisify(execFile)(process.execPath, command, options)
  await ending.catch((error: Error & { stdout: string; stderr: string }) => {
    throw new Error(`${command.join(' ')}\n${error.stdout}\n${error.stderr}`)
  })
}

function pipelineOf(outputs: StackOutputs, [stack, id]: readonly [string, string]): DeployedPipeline {
  const value = (what: string): string => outputs[stack]?.[`${id}${what}`] ?? ''
  const bucket = (what: string): string => new URL(value(what)).hostname
  return {
    stack,
    id,
    name: value('Pipeline'),
    stateMachineArn: value('StateMachineArn'),
    input: bucket('Input'),
    output: bucket('Output'),
    logGroups: value('LogGroups').split(','),
  }
}
