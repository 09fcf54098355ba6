/** The input of the flights example, made once for all tests of this machine: that takes 7 seconds of CPU time. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { flightsParquet, prepare } from '../../examples/flights/prepare.ts'
import { withLock } from '../localstack/install.ts'

const root = join(import.meta.dirname, '../..')

/** Returns a folder that is only read, and another one when the data or the program that writes it changes. */
export async function preparedFlights(): Promise<string> {
  const version = createHash('sha256')
    .update(readFileSync(join(root, 'examples/flights/prepare.ts')))
    .update(`${statSync(flightsParquet).size}`)
    .digest('hex')
    .slice(0, 12)
  const folder = join(root, 'node_modules/.cache', `fanmill-flights-${version}`)
  mkdirSync(dirname(folder), { recursive: true })
  await withLock(`${folder}.lock`, () => prepare(folder))
  return folder
}
