/**
 * The two CDK apps of this suite, deployed once for all of its files: whoever asks first deploys, the others wait.
 *
 *     const { flights, visits, uploads, operated } = await deployment()   // in a beforeAll
 *
 * An instance that FANMILL_LOCALSTACK_ENDPOINT names must be a fresh one, whose functions reach the ports of this machine.
 * `flights` is this repository's own app, as it is. The others are of somebody else's (their-app.ts): `visits`, `operated` and
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

/** What the outputs of a stack tell of one pipeline. */
export interface DeployedPipeline {
  readonly stack: string
  /** Of the construct in its stack; logical ids of its resources begin with it. */
  readonly id: string
  /** Name of the pipeline. */
  readonly name: string
  readonly stateMachineArn: string
  /** Bucket names; nothing has a prefix. */
  readonly input: string
  readonly output: string
  /** Of Plan, Process by tier, and Commit. */
  readonly logGroups: readonly string[]
}

export interface Deployment {
  /** Where the app of somebody else is, with the built package in its node_modules. */
  readonly theirFolder: string
  readonly flights: DeployedPipeline
  readonly visits: DeployedPipeline
  readonly operated: DeployedPipeline
  readonly waiting: DeployedPipeline
  readonly uploads: DeployedPipeline
  /** As `uploads`, through a queue. */
  readonly queued: DeployedPipeline
}

/** Constructs by the name that tests know them by. */
const constructs = {
  flights: ['FanmillFlights', 'Flights'],
  visits: [theirStack, 'Visits'],
  operated: [theirStack, 'Operated'],
  waiting: [theirStack, 'Waiting'],
  uploads: [theirStack, 'Uploads'],
  queued: [theirStack, 'Queued'],
} as const

/** @throws Error with what the CDK printed; also to those who waited */
export async function deployment(): Promise<Deployment> {
  const folder = inject('deploymentFolder')
  const told = join(folder, 'outputs.json')
  await withLock(join(folder, 'lock'), async () => {
    if (existsSync(told)) return
    const made = await deployBoth(folder).catch((error: Error) => ({ error: error.message }))
    await writeFile(told, JSON.stringify(made))
  })
  const made = JSON.parse(await readFile(told, 'utf8')) as StackOutputs | { readonly error: string }
  if ('error' in made) throw new Error(String(made.error))
  const found = Object.entries(constructs).map(([name, place]) => [name, pipelineOf(made, place)])
  return { theirFolder: theirsIn(folder), ...Object.fromEntries(found) } as unknown as Deployment
}

/** Values by name of the output, by stack. */
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
    cdk(['bootstrap', 'aws://000000000000/us-east-1'], { app: root, folder: join(folder, 'bootstrap') }),
  ])
  const ours = ['--context', `architecture=${ownArchitecture}`, '--context', 'dashboard=false']
  const [one, other] = await Promise.all([
    deploy(ours, { app: root, folder: join(folder, 'ours') }),
    deploy(['--app', app], { app: theirs, folder: join(folder, 'their-assembly') }),
  ])
  return { ...one, ...other }
}

interface Place {
  /** Where the CDK runs. */
  readonly app: string
  /** For what it writes. */
  readonly folder: string
}

async function deploy(options: readonly string[], place: Place): Promise<StackOutputs> {
  const outputs = join(place.folder, 'outputs.json')
  await cdk(['deploy', '--require-approval', 'never', '--outputs-file', outputs, ...options], place)
  return JSON.parse(await readFile(outputs, 'utf8')) as StackOutputs
}

async function cdk(words: readonly string[], { app, folder }: Place): Promise<void> {
  await mkdir(folder, { recursive: true })
  const command = ['cdk', ...words, '--output', join(folder, 'cdk.out')]
  const options = { cwd: app, env: { ...process.env, ...environment }, maxBuffer: 1 << 26 }
  await promisify(execFile)('npx', command, options).catch((error: Error & { stdout: string; stderr: string }) => {
    throw new Error(`npx ${command.join(' ')}\n${error.stdout}\n${error.stderr}`)
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
