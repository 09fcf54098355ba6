/** A pipeline deployed into this process: its functions over folders, with the environment that the construct sets. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { handler as commitHandler } from '../../functions/commit.ts'
import { handler as planHandler } from '../../functions/plan.ts'
import { handler as processHandler } from '../../functions/process.ts'
import {
  assetNames,
  type CommitAnswer,
  type ManualEvent,
  type NodeRef,
  type PlanAnswer,
  type UploadEvent,
} from '../../lib/aws/lambda-events.ts'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { codeHashes } from '../../lib/bundle/task-hasher.ts'
import { openDataset } from '../../lib/index.ts'
import type { LambdaContext } from '../../lib/lambda/deadline.ts'
import { closeWarmThreads } from '../../lib/lambda/warm-threads.ts'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import type { PlanItem } from '../../lib/model/plan-data.ts'
import { noWaits, type WaitAnswer, type Waits } from '../../lib/model/waits.ts'
import { buildZip, type Members } from '../zip-builder.ts'

export const library = new URL('../../lib/index.ts', import.meta.url).href

/** How one execution of the state machine ended. */
export interface Execution {
  readonly status: PlanAnswer['status']
  readonly run?: { readonly runId?: string; readonly attempt?: number }
  /** Batches that Process was called for. */
  readonly batches: readonly number[]
  readonly planCalls: number
  readonly commitCalls: number
  /** Error of commit. */
  readonly error?: Error
}

/** The tiers of functions with one tier of so many threads. One is enough for a slice, and opens one engine. */
export const tierOf = (threads: number): string =>
  JSON.stringify([{ memoryMb: 3008, threads, temporaryStorageMb: 1024 }])

export class Account {
  readonly folder: string
  /** Runs calls of Process one after another, as one warm process of Lambda does. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Called before each commit of an execution. */
  beforeCommit: () => Promise<void> = () => Promise.resolve()
  #count = 0
  #deployed = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Deploys a pipeline, given as the text of its module. */
  static async open(pipelineText: string, env: Readonly<Record<string, string>> = {}): Promise<Account> {
    const account = new Account(await mkdtemp(join(tmpdir(), 'fanmill-account-')))
    await account.deploy(pipelineText)
    Object.assign(process.env, {
      FANMILL_INPUT: join(account.folder, 'input'),
      FANMILL_OUTPUT: join(account.folder, 'output'),
      FANMILL_TIERS: tierOf(1),
      FANMILL_SETTLE_SECONDS: '0',
      FANMILL_GROUP_BYTES: '',
      ...env,
    })
    return account
  }

  /** Deploys an edited pipeline: from now on all functions have the new asset. */
  async deploy(pipelineText: string): Promise<void> {
    const file = await this.write('pipeline.ts', pipelineText)
    const asset = `asset-${this.#deployed++}`
    const bundle = await bundlePipeline(file, { outFolder: join(this.folder, asset) })
    const pipeline = await loadPipeline(bundle)
    const hashes = Object.fromEntries(await codeHashes(bundle, pipeline))
    await this.write(`${asset}/${assetNames.codeHashes}`, JSON.stringify(hashes))
    await this.write(`${asset}/${assetNames.schemas}`, '{}')
    Object.assign(process.env, { FANMILL_PIPELINE: pipeline.name, FANMILL_PIPELINE_URL: bundle.url })
  }

  async close(): Promise<void> {
    await closeWarmThreads()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Writes a file below the account's folder. */
  async write(path: string, content: string | Uint8Array): Promise<string> {
    const file = join(this.folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
    return file
  }

  read(path: string): Promise<Uint8Array> {
    return readFile(join(this.folder, path))
  }

  /** Uploads an archive, and returns the event that S3 sends for it. */
  async upload(key: string, members: Members | Uint8Array): Promise<UploadEvent> {
    await this.write(`input/${key}`, members instanceof Uint8Array ? members : buildZip(members))
    return uploadEvent(key)
  }

  /** Goes through the states as the state machine does, once for one task. */
  async execute(
    task: string,
    event: UploadEvent | ManualEvent,
    execution = `execution-${this.#count++}`,
  ): Promise<Execution> {
    let planCalls = 0
    let waits = noWaits(1)
    let planned: PlanAnswer
    for (;;) {
      planned = await this.plan(task, event, { execution, waits })
      planCalls++
      if (planned.done) break
      if (planned.status === 'unsettled') await this.commit(task, { outputPath: planned.outputPath, execution })
      if ('waitSeconds' in planned) await waitShort(planned)
      waits = planned.waits
    }
    if (planned.status !== 'planned')
      return {
        status: planned.status,
        ...(planned.run && { run: planned.run }),
        batches: [],
        planCalls,
        commitCalls: 0,
      }
    const { maxConcurrency, shipped = '' } = planned as typeof planned & { readonly shipped?: string }
    let { run } = planned
    let { losses } = planned
    waits = planned.waits
    const batches: number[] = []
    const end = { status: planned.status, run, batches, planCalls }
    let commitCalls = 0
    let todo: string | undefined = planned.planKey
    for (;;) {
      for (const item of todo ? await this.items(todo) : []) {
        batches.push(item.batch)
        await this.process(task, { run, item, execution, shipped }).catch(() => undefined)
      }
      try {
        commitCalls++
        await this.beforeCommit()
        const answer: CommitAnswer = await this.commit(task, {
          ...{ run, execution, waits, maxConcurrency, losses, shipped },
        })
        if ('waits' in answer) ({ waits, losses } = answer)
        if ('waitSeconds' in answer) await waitShort(answer)
        if (answer.done) return { ...end, commitCalls }
        todo = 'planKey' in answer ? answer.planKey : undefined
        if ('planKey' in answer) run = answer.run
      } catch (error) {
        return { ...end, commitCalls, error: error as Error }
      }
    }
  }

  plan(
    task: string,
    event: unknown,
    { execution = 'execution', seconds = 900, waits = noWaits(1) as Waits, maxConcurrency = 100 } = {},
  ): Promise<PlanAnswer> {
    return planHandler({ task, execution, event, waits, maxConcurrency }, context(seconds))
  }

  /** Plans one node of a graph, again after each wait. */
  /** Plans a node. As in the state machine, a further call gets only what the answer before it had. */
  async planNode(own: { task: string; execution: string; node: NodeRef }): Promise<PlanAnswer> {
    let given: object = { ...own, waits: noWaits(1), maxConcurrency: 100 }
    for (;;) {
      const planned: PlanAnswer = await planHandler(given, context(900))
      if (planned.done) return planned
      if (planned.status === 'unsettled') await this.commit(own.task, { ...own, outputPath: planned.outputPath })
      if ('waitSeconds' in planned) await waitShort(planned)
      const { task, execution, node, waits, maxConcurrency } = planned as PlanAnswer & Record<string, unknown>
      given = { task, execution, node, waits, maxConcurrency }
    }
  }

  process(
    task: string,
    {
      run,
      item,
      execution = 'execution',
      tier = 0,
      seconds = 900,
      shipped = '',
    }: { run: unknown; item: PlanItem; execution?: string; tier?: number; seconds?: number; shipped?: string },
  ) {
    const event = { task, execution, run, item, tier, shipped }
    const done = this.#turn.then(() => processHandler(event, context(seconds)))
    this.#turn = done.catch(() => undefined)
    return done
  }

  commit(task: string, event: object, at: LambdaContext = context(900)): Promise<CommitAnswer> {
    return commitHandler({ task, execution: 'execution', waits: noWaits(1), maxConcurrency: 100, ...event }, at)
  }

  async items(planKey: string): Promise<PlanItem[]> {
    return JSON.parse(await readFile(join(this.folder, 'output', planKey), 'utf8')) as PlanItem[]
  }

  async manifest(path: string): Promise<Manifest> {
    return JSON.parse(await readFile(join(this.folder, 'output', path, '_SUCCESS'), 'utf8')) as Manifest
  }

  async rows(path: string): Promise<Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = []
    for await (const row of (await openDataset(join(this.folder, 'output', path))).rows()) rows.push({ ...row })
    const textOf = (row: object): string => JSON.stringify(Object.values(row).map(value => [typeof value, `${value}`]))
    return rows.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
  }
}

/** Waits like a Wait state, but shorter. */
const waitShort = ({ waitSeconds }: WaitAnswer): Promise<void> => pause(20 * waitSeconds)

let requests = 0

/** Makes the context of an invocation that has this many seconds left. */
export function context(seconds: number): LambdaContext {
  const end = Date.now() + seconds * 1000
  return { awsRequestId: `request-${requests++}`, getRemainingTimeInMillis: () => end - Date.now() }
}

export function uploadEvent(key: string, bucket = 'uploads'): UploadEvent {
  return { 'detail-type': 'Object Created', id: `event-${key}`, detail: { bucket: { name: bucket }, object: { key } } }
}

/** Returns the text of a pipeline whose task copies x and y, with the given changes. */
export function pipelineText(
  options: { task?: string; steps?: string; extra?: string; trigger?: string } = {},
): string {
  const { task = '', steps = '', extra = '', trigger = 'incoming/{month}/*.zip' } = options
  return `
import { column, csv, files, parquet, param, pipeline, secret, sql, table, task, zipMembers } from 'fanmill'
${extra}
export const points = task({
  name: 'points',
  params: { month: param.month() },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', format: csv() }),
  columns: { x: column.int32(), y: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
  ${task}
})${steps}
export default pipeline({ name: 'grid', tasks: [points], trigger: { upload: '${trigger}' } })
`
}
