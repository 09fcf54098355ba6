/** How large an asset is, as a zip and unpacked. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { PermanentError } from '../../errors/errors.ts'

export interface AssetBytes {
  /** As a zip with the usual compression, give or take a few kilobytes of names. */
  readonly zippedBytes: number
  readonly bytes: number
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const bytesMax = 262_144_000

/** @throws DEFINITION_LOAD when Lambda would refuse it */
export async function assetBytes(folder: string): Promise<AssetBytes> {
  let [bytes, zippedBytes] = [0, 0]
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name)
    if (!(await stat(path)).isFile()) continue
    const content = await readFile(path)
    bytes += content.length
    zippedBytes += (await promisify(deflateRaw)(content)).length + 2 * name.length + headerBytes
  }
  if (bytes > bytesMax) {
    const message = `expected an asset of at most ${bytesMax} bytes, which is Lambda's limit, got ${bytes}; include less, or read large files from S3`
    throw new PermanentError('DEFINITION_LOAD', message, { bytes })
  }
  return { bytes, zippedBytes }
}

/** A local header and a directory entry of a zip. */
const headerBytes = 76
