/** Stores and jobs for tests of commits, and checks of the result. */
import { expect, it } from 'vitest'
import { headKey } from '../../lib/commit/head.ts'
import type { ReservedRun } from '../../lib/model/run/reserved-run.ts'
import { readHeadFile } from '../../lib/state/state.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store } from '../../lib/store/store.ts'
import { type Actor, inWorld, type Job, Killed, type World } from '../runs/protocol.ts'

/** Every kind of store, by name. */
export const stores: readonly [string, (folder: string) => Store][] = [
  ['disk', diskStore],
  ['memory, second complete ok', () => memoryStore({ secondComplete: 'ok' })],
  ['memory, second complete missing', () => memoryStore({ secondComplete: 'missing' })],
]
export const one: Job = { inputs: { 'a.zip': 'A' } }
export const two: Job = { inputs: { 'a.zip': 'A', 'b.zip': 'B' } }

/** Declares tests, each in a new world with such a store. */
export function testIn(open: (folder: string) => Store) {
  return (title: string, act: (world: World) => Promise<void>) => it(title, () => inWorld(open, act))
}

/** Checks everything that a reader may rely on: exactly the manifest's parts, with their sizes and etags, and nothing pending. */
export async function expectWhole(world: World): Promise<void> {
  expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
  expect(await world.pendingKeys()).toEqual([])
  const { parts, totals, generation } = await world.manifest()
  for (const part of parts) {
    const found = await world.store.stat(`flights/${part.key}`)
    expect(found).toMatchObject({ sizeBytes: part.bytes, etag: part.etag })
  }
  expect(totals).toMatchObject({ parts: parts.length, rows: parts.length * 10 })
  const head = readHeadFile(await world.store.read(headKey('flights')), 'head')
  expect(head.committing).toBeUndefined()
  expect(head.committed?.generation).toBe(generation)
}

/** Reserves a run and processes its batches. */
export async function started(world: World, job: Job): Promise<{ actor: Actor; run: ReservedRun }> {
  const actor = world.actor()
  const run = await reserved(world, job, actor)
  await world.process(actor, run, job)
  return { actor, run }
}

/** Reserves a run for an actor. */
export async function reserved(world: World, job: Job, actor: Actor): Promise<ReservedRun> {
  const run = await world.reserve(actor, job)
  if (run.status === 'complete' || run.status === 'busy') throw new Error(`expected a reserved run, got ${run.status}`)
  return run
}

/** Returns a watcher that kills the process at a point. */
export function stopAt(point: string) {
  return (name: string) => {
    if (name === point) throw new Killed(point)
  }
}

/** Returns a watcher that stops the process at a point until it is woken. */
export function sleepAt(point: string) {
  let wake = () => {}
  let fallAsleep = () => {}
  const woken = new Promise<void>(resolve => {
    wake = resolve
  })
  const asleep = new Promise<void>(resolve => {
    fallAsleep = resolve
  })
  const at = async (name: string) => {
    if (name !== point) return
    fallAsleep()
    await woken
  }
  return { at: Object.assign(at, { asleep }), wake }
}
