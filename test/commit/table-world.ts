/** Worlds whose runs write to a Delta table, with real Parquet files. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTable } from '../../lib/delta/read-table.ts'
import type { Snapshot } from '../../lib/delta/snapshot.ts'
import { openEngine } from '../../lib/duckdb/engine.ts'
import type { Store } from '../../lib/store/store.ts'
import { tableIn } from '../delta/table.ts'
import { inWorld, type Job, type World } from '../runs/protocol.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-parts-'))
const engine = await openEngine({ folders: [folder], tempFolder: folder, memoryBytes: 256 * 2 ** 20 })
const connection = await engine.connect()

let parts = 0

/** Ten rows, with a delay that tells the part. */
async function tenRows(delay: number): Promise<Uint8Array> {
  const file = join(folder, `${parts++}.parquet`)
  await connection.run(`COPY (SELECT ${delay}::INTEGER AS delay FROM range(10)) TO '${file}' (FORMAT parquet)`)
  return readFileSync(file)
}

export const first: Job = { outputKind: 'delta', mode: 'append', inputs: { 'a.zip': 'A' } }
export const second: Job = { ...first, inputs: { 'a.zip': 'A', 'b.zip': 'B' } }

/** Calls `act` with a world whose parts are Parquet files. */
export function inTableWorld<T>(open: (folder: string) => Store, act: (world: World) => Promise<T>): Promise<T> {
  return inWorld(open, world => {
    writeParquet(world)
    return act(world)
  })
}

/** Makes the parts of a world Parquet files. */
export function writeParquet(world: World): void {
  world.contentOf = (_run, batch, index) => tenRows(batch * 10 + index)
}

export const snapshotIn = (world: World, version?: number): Promise<Snapshot | undefined> =>
  readTable(tableIn(world.store, 'flights/'), version)

/** The files of the table, in order; none where there is no table. */
export const filesOf = (snapshot: Snapshot | undefined): string[] => [...(snapshot?.files.keys() ?? [])].sort()
