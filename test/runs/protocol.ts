/** Processes that reserve a run, write parts and outcomes, and commit, and that may be killed at a named point. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommitResult, commit } from '../../lib/commit/commit.ts'
import type { CommitOptions } from '../../lib/commit/commit-options.ts'
import type { OutputMode } from '../../lib/define/outputs/output-definition.ts'
import type { Outcome, OutcomePart } from '../../lib/model/outcome/outcome.ts'
import { partName } from '../../lib/model/outcome/part-name.ts'
import type { InputObject } from '../../lib/model/plan-data.ts'
import type { ReservedRun } from '../../lib/model/run/reserved-run.ts'
import type { Partition } from '../../lib/paths/partition-path.ts'
import { type Reservation, reserveRun } from '../../lib/runs/reserve.ts'
import { type Owner, outputPrefix, readManifest, runKeys, stateBytes } from '../../lib/state/state.ts'
import { stateRoot } from '../../lib/store/state-root.ts'
import type { Store } from '../../lib/store/store.ts'
import { engineServices } from '../../lib/threads/engine-services.ts'

/** Ends a process: nothing of it runs after this. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

export interface Job {
  readonly task?: string
  readonly params?: Readonly<Record<string, string>>
  readonly codeHash?: string
  readonly mode?: OutputMode
  /** Default `parquet`. */
  readonly outputKind?: 'parquet' | 'delta'
  readonly force?: boolean
  readonly mayRoll?: boolean
  /** Content by key. */
  readonly inputs: Readonly<Record<string, string>>
  /** Partition values of the parts of each batch; default two batches of one part without partition. */
  readonly batches?: readonly (readonly string[])[]
}

const outputPath = 'flights'
const leaseMs = 1000

/** A process of this world, killed at most once, at the given point. */
export class Actor {
  readonly owner: Owner
  readonly points: string[] = []
  readonly #world: World
  #killAt: string | undefined
  isDead = false
  /** Is called at each point, before it is passed. */
  onPoint: (point: string) => void | Promise<void> = () => {}

  constructor(world: World, name: string, killAt?: string) {
    this.#world = world
    this.#killAt = killAt
    this.owner = { id: name, host: 'here', pid: 1, startedAt: '2001-01-01T00:00:00.000Z' }
  }

  /** Counts the points of one name, so that each is another one: `abort-part:before#2`. */
  readonly at = async (point: string) => {
    const count = this.points.filter(known => known.startsWith(`${point}#`)).length + 1
    this.points.push(`${point}#${count}`)
    await this.onPoint(point)
    if (this.isDead) throw new Killed()
    if (this.#killAt !== `${point}#${count}`) return
    this.isDead = true
    throw new Killed(point)
  }

  /** Kills the process now. */
  die(): void {
    this.isDead = true
  }

  get options() {
    const { now, isAlive } = this.#world
    return { owner: this.owner, at: this.at, now, isAlive, leaseMs, checkpoints: engineServices.checkpoints }
  }
}

export class World {
  readonly store: Store
  readonly #actors = new Map<string, Actor>()
  readonly folder: string
  time = Date.UTC(2001, 0, 1)
  readonly #name: string
  #names = 0

  /** `name` begins the names of the actors: they are processes of their own. */
  constructor(store: Store, folder: string, name = 'actor') {
    this.store = store
    this.folder = folder
    this.#name = name
  }

  /** Returns the content of a part; default a text. */
  contentOf: (run: ReservedRun, batch: number, index: number) => Promise<string | Uint8Array> = async (
    run,
    batch,
    index,
  ) => `rows of ${run.runId}-${run.attempt} ${batch} ${index}`

  readonly now = () => this.time
  /** Knows only dead owners; for others, leases decide. */
  readonly isAlive = (owner: Owner) => (this.#actors.get(owner.id)?.isDead ? false : undefined)

  actor(killAt?: string): Actor {
    this.#names++
    const actor = new Actor(this, `${this.#name}-${this.#names}`, killAt)
    this.#actors.set(actor.owner.id, actor)
    return actor
  }

  reserve(actor: Actor, job: Job): Promise<Reservation> {
    const { task = 'flights', params = {}, codeHash = 'code', mode = 'replace', force = false, mayRoll = true } = job
    const { outputKind = 'parquet' } = job
    const inputs: InputObject[] = Object.entries(job.inputs).map(([key, content]) => ({
      key,
      sizeBytes: content.length,
      etag: 'any',
      identity: content,
    }))
    return reserveRun(this.store, {
      ...actor.options,
      outputPath,
      task,
      params,
      codeHash,
      mode,
      outputKind,
      ...(job.outputKind && { partitionBy: partitionByOf(job) }),
      force,
      mayRoll,
      inputs,
    })
  }

  /** Processes the batches that have no outcome yet. */
  async process(actor: Actor, run: ReservedRun, job: Job): Promise<void> {
    for (const [batch, partitions] of batchesOf(job).entries()) {
      const key = runKeys(run).outcome(batch)
      if (await this.store.stat(key)) continue
      const token = `${actor.owner.id}-${batch}`
      const parts: OutcomePart[] = []
      for (const [index, value] of partitions.entries()) {
        await actor.at('stage-part:before')
        parts.push(await this.stage(run, { batch, index, value, token }))
        await actor.at('stage-part:after')
      }
      await actor.at('write-outcome:before')
      await this.store.create(key, stateBytes(outcomeOf(run, { batch, token, parts })))
      await actor.at('write-outcome:after')
    }
  }

  async stage(
    run: ReservedRun,
    { batch, index, value, token }: { batch: number; index: number; value: string; token: string },
  ): Promise<OutcomePart> {
    const partition: Partition | undefined = value === '' ? undefined : { state: value }
    const folder = outputPrefix(outputPath) + (partition ? `state=${value}/` : '')
    const file = join(this.folder, `staged-${token}-${index}`)
    await writeFile(file, await this.contentOf(run, batch, index))
    const part = await this.store.stagePart(folder + partName(batch, index, run), file, { ...run, token })
    return { ...part, rows: 10, ...(partition ? { partition } : {}) }
  }

  commit(actor: Actor, run: ReservedRun, job: Job, options: Partial<CommitOptions> = {}): Promise<CommitResult> {
    const plan = batchesOf(job).map((_, batch) => ({ batch, sliceCount: 1, memberCount: 1 }))
    const partitionBy = partitionByOf(job)
    return commit(this.store, { ...actor.options, reservation: run, plan, partitionBy, rejectsMax: 0, ...options })
  }

  /** Runs a job as a laptop does; batches that are missing after a commit are processed again. */
  async run(job: Job, actor: Actor = this.actor()): Promise<Reservation> {
    const reservation = await this.reserve(actor, job)
    if (reservation.status === 'complete' || reservation.status === 'busy') return reservation
    for (let round = 0; round < 3; round++) {
      await this.process(actor, reservation, job)
      const result = await this.commit(actor, reservation, job)
      if (result.done) return reservation
    }
    throw new Error('expected a commit within three rounds')
  }

  /** Runs a job until it is killed; returns whether it was. */
  async runKilled(job: Job, killAt: string): Promise<boolean> {
    try {
      await this.run(job, this.actor(killAt))
      return false
    } catch (error) {
      if (error instanceof Killed) return true
      throw error
    }
  }

  /** Returns the points that a run passes. */
  async pointsOf(job: Job): Promise<string[]> {
    const actor = this.actor()
    await this.run(job, actor)
    return actor.points
  }

  /** Lists the output without the state. */
  async outputKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.store.list('')) if (!key.startsWith(stateRoot)) keys.push(key)
    return keys
  }

  async pendingKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.store.listParts('')) keys.push(key)
    return keys
  }

  async manifest() {
    return readManifest(await this.store.read('flights/_SUCCESS'), 'flights/_SUCCESS')
  }

  /** Returns the keys of `_SUCCESS` and its parts; throws when there is no `_SUCCESS`. */
  async keysOfManifest(): Promise<string[]> {
    const { parts } = await this.manifest()
    return ['flights/_SUCCESS', ...parts.map(part => `flights/${part.key}`)].sort()
  }
}

/** Calls `act` with a world, and removes its folder afterwards. */
export async function inWorld<T>(open: (folder: string) => Store, act: (world: World) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-protocol-'))
  try {
    return await act(new World(open(join(folder, 'root')), folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An outcome whose accounts add up. */
export function outcomeOf(
  run: ReservedRun,
  { batch, token, parts }: { batch: number; token: string; parts: readonly OutcomePart[] },
): Outcome {
  const rows = parts.length * 10
  const partitions = Object.keys(parts[0]?.partition ?? {})
  return {
    batch,
    runId: run.runId,
    attempt: run.attempt,
    token,
    parts,
    rowsRead: rows,
    rowsWritten: rows,
    rowsRejected: 0,
    rowsFiltered: 0,
    recordsFound: rows,
    members: 1,
    bytesIn: 100,
    bytesInflated: 300,
    seconds: 1,
    slices: [batch],
    rejects: [],
    firstRejects: [],
    workers: [{ pid: 1, thread: 0 }],
    schema: [{ name: 'delay', type: 'INTEGER' }, ...partitions.map(name => ({ name, type: 'VARCHAR' }))],
  }
}

const partitionByOf = (job: Job): readonly string[] => (job.batches ? ['state'] : [])

function batchesOf(job: Job): readonly (readonly string[])[] {
  return job.batches ?? [[''], ['']]
}
