/** Checks that this engine hashes keys as the others of a run do. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../errors/errors.ts'
import { hashVectors } from '../model/bucket-hash.ts'

/** @throws ENGINE_FAILED for an engine that hashes a test value to something else */
export async function checkHash(connection: DuckDBConnection): Promise<void> {
  const values = hashVectors.map(([value]) => `CAST(hash(hash(${value})) AS VARCHAR)`)
  const [hashes = []] = (await connection.runAndReadAll(`SELECT ${values.join(', ')}`)).getRows()
  const wrong = hashVectors.findIndex(([, hash], index) => hashes[index] !== hash)
  const [value, expected] = hashVectors[wrong] ?? []
  if (value === undefined) return
  const message = `expected the hash ${expected} of ${value}, got ${String(hashes[wrong])}; keys would go to other buckets than in other batches: use the engine's version that this package names`
  throw new PermanentError('ENGINE_FAILED', message, { value, expected })
}
