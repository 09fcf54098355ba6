/** Runs the real handlers over a small S3 that records each request with the function that sent it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handler as commit } from '../../functions/commit.ts'
import { handler as graph } from '../../functions/graph.ts'
import { handler as plan } from '../../functions/plan.ts'
import { handler as process_ } from '../../functions/process.ts'
import {
  assetNames,
  type CommitAnswer,
  type GraphAnswer,
  type PlanAnswer,
  type UploadEvent,
} from '../../lib/aws/lambda-events.ts'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { loadPipeline } from '../../lib/bundle/bundle-load.ts'
import { codeHashes } from '../../lib/bundle/task-hasher.ts'
import { closeWarmThreads } from '../../lib/lambda/warm-threads.ts'
import type { PlanItem } from '../../lib/model/plan-data.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { context } from '../functions/account.ts'
import { type S3Request, type S3Server, startS3Server } from '../store/s3/server.ts'
import { buildZip, type Members } from '../zip-builder.ts'
import { pipelineFile } from './stacks.ts'

export const buckets = { input: 'inb', output: 'outb' } as const
const prefixes = { input: 'in/', output: 'lake/' } as const

type FunctionName = 'Plan' | 'Process' | 'Commit' | 'Graph'

export interface RecordedRequest {
  readonly sender: FunctionName
  readonly request: S3Request
  /** Whether the object was not there when the request came. */
  readonly isMissing: boolean
}

/** How an execution ended: a status of Plan, `committed`, or the code of what failed. */
export type Ending = string

export interface ExecuteOptions {
  /** Time that the first call of Commit has. */
  readonly commitSeconds?: number
  /** Refuses the first request that matches, as if the process had ended there. */
  readonly refusedOnce?: (request: S3Request) => boolean
}

export class RecordedAccount {
  readonly requests: RecordedRequest[] = []
  readonly #server: S3Server
  readonly #folder: string
  #sender: FunctionName | undefined
  #count = 0
  #refusedOnce: ((request: S3Request) => boolean) | undefined

  private constructor(server: S3Server, folder: string) {
    this.#server = server
    this.#folder = folder
    server.fault = request => {
      if (this.#sender === undefined) throw new Error(`${request.method} ${request.key} was sent by no function`)
      this.requests.push({ sender: this.#sender, request, isMissing: !server.objects.has(request.key) })
      if (!this.#refusedOnce?.(request)) return undefined
      this.#refusedOnce = undefined
      return { kind: 'refuse', status: 400, code: 'InvalidRequest' }
    }
  }

  static async open(): Promise<RecordedAccount> {
    const [server, folder] = [await startS3Server(), await mkdtemp(join(tmpdir(), 'fanmill-recorded-'))]
    const bundle = await bundlePipeline(pipelineFile('replayed.ts'), { outFolder: folder })
    const pipeline = await loadPipeline(bundle)
    const hashes = Object.fromEntries(await codeHashes(bundle, pipeline))
    await writeFile(join(folder, assetNames.codeHashes), JSON.stringify(hashes))
    await writeFile(join(folder, assetNames.schemas), '{}')
    Object.assign(process.env, {
      ...{ AWS_ENDPOINT_URL: server.endpoint, AWS_REGION: 'us-east-1' },
      ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
      ...{ FANMILL_INPUT_BUCKET: buckets.input, FANMILL_INPUT_PREFIX: prefixes.input },
      ...{ FANMILL_OUTPUT_BUCKET: buckets.output, FANMILL_OUTPUT_PREFIX: prefixes.output },
      ...{ FANMILL_PIPELINE: pipeline.name, FANMILL_PIPELINE_URL: bundle.url, FANMILL_SETTLE_SECONDS: '0' },
      FANMILL_TIERS: JSON.stringify([{ memoryMb: 3008, threads: 1, temporaryStorageMb: 1024 }]),
    })
    return new RecordedAccount(server, folder)
  }

  async close(): Promise<void> {
    await closeWarmThreads()
    await this.#server.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Puts an object below the input prefix. */
  put(key: string, content: string | Uint8Array): void {
    this.#put(prefixes.input + key, content)
  }

  /** Puts an object below the output prefix, as another program would. */
  putOutput(key: string, content: string): void {
    this.#put(prefixes.output + key, content)
  }

  removeOutput(key: string): void {
    this.#server.objects.delete(prefixes.output + key)
  }

  /** Puts an archive, and returns the event that S3 sends for it. */
  upload(key: string, members: Members): UploadEvent {
    this.put(key, buildZip(members))
    return uploadEvent(key)
  }

  /** Calls the handlers in the order of the state machine, once for one task. */
  async execute(
    task: string,
    event: unknown,
    { commitSeconds = 900, refusedOnce }: ExecuteOptions = {},
  ): Promise<Ending> {
    this.#refusedOnce = refusedOnce
    const own = { task, execution: `execution-${this.#count++}` }
    try {
      const planned = await this.#plan(own, event)
      return planned.status === 'planned' ? await this.#processAndCommit(own, planned, commitSeconds) : planned.status
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }

  /** Walks a graph, node by node. */
  async walk(event: unknown): Promise<Ending> {
    const execution = `execution-${this.#count++}`
    for (let step = 0; ; step++) {
      const given = { execution, event, step, ...unhurried, nodeConcurrency: 20 }
      const answer = (await this.#as('Graph', () => graph(given, context(900)))) as GraphAnswer
      if (answer.status !== 'wave') return answer.status
      for (const { key, task } of this.#items<{ key: string; task: string }>(answer.waveKey)) {
        const own = { task, execution: `${execution}#${key}`, node: { graph: answer.graph, step: answer.step, key } }
        const end = await this.#runNode(own).then(
          status => ({ status, state: {} }),
          (error: Error) => ({ status: 'failed', state: {}, fault: { Error: error.name } }),
        )
        await this.#as('Graph', () => graph({ ...own, end }, context(900)))
      }
    }
  }

  async #runNode(own: Own): Promise<Ending> {
    const planned = await this.#plan(own, undefined)
    if (planned.status !== 'planned') return planned.status
    const ending = await this.#processAndCommit(own, planned, 900)
    return ending === 'committed' ? 'complete' : 'failed'
  }

  async #plan(own: Own, event: unknown): Promise<PlanAnswer> {
    for (let calls = 0; calls < callsMax; calls++) {
      const answer = await this.#as('Plan', () => plan({ ...own, ...unhurried, event }, context(900)))
      if (answer.status === 'unsettled')
        await this.#as('Commit', () => commit({ ...own, outputPath: answer.outputPath }, context(900)))
      if (answer.done) return answer
    }
    throw new Error(`expected Plan to be done after ${callsMax} calls`)
  }

  async #processAndCommit(own: Own, planned: Planned, commitSeconds: number): Promise<Ending> {
    let { run } = planned
    let itemsKey: string | undefined = planned.planKey
    for (let calls = 0; calls < callsMax; calls++) {
      for (const item of itemsKey === undefined ? [] : this.#items(itemsKey))
        await this.#as('Process', () => process_({ ...own, run, item, tier: 0 }, context(900))).catch(() => undefined)
      const seconds = calls === 0 ? commitSeconds : 900
      const answer: CommitAnswer = await this.#as('Commit', () =>
        commit({ ...own, ...unhurried, run }, context(seconds)),
      )
      if (answer.done) return 'committed'
      itemsKey = 'planKey' in answer ? answer.planKey : undefined
      if ('planKey' in answer) run = answer.run
    }
    throw new Error(`expected Commit to be done after ${callsMax} calls`)
  }

  /** Reads the items, as the state machine does itself. */
  #items<T = PlanItem>(key: string): T[] {
    return JSON.parse(this.#server.objects.get(key)!.bytes.toString()) as T[]
  }

  async #as<T>(sender: FunctionName, act: () => Promise<T>): Promise<T> {
    this.#sender = sender
    try {
      return await act()
    } finally {
      this.#sender = undefined
    }
  }

  #put(key: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content)
    this.#server.objects.set(key, { bytes, etag: `e${bytes.length}x${key.length}`, token: '' })
  }
}

interface Own {
  readonly task: string
  readonly execution: string
}

/** Fields of an event at the start of an execution. */
const unhurried = { waits: noWaits(1), maxConcurrency: 100 }

type Planned = Extract<PlanAnswer, { status: 'planned' }>

/** More calls than any of the executions here needs. */
const callsMax = 10

export function uploadEvent(key: string): UploadEvent {
  const detail = { bucket: { name: buckets.input }, object: { key: prefixes.input + key } }
  return { 'detail-type': 'Object Created', id: key, detail }
}
