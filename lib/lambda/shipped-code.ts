/** Loads the code that an execution brings, in place of the deployed code. A process keeps what it has loaded, by its hash. */
import { createHash } from 'node:crypto'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'
import { assetNames } from '../aws/lambda-events.ts'
import { checkShipFacts, checkShippedName, shipFactsSchema } from '../aws/ship-facts.ts'
import { type Shipment, shipmentSchema, shippedTextBytesMax } from '../aws/shipment.ts'
import { loadPipeline } from '../bundle/bundle-load.ts'
import { PermanentError } from '../errors/errors.ts'
import { hasCode } from '../errors/expected.ts'
import { shippedKeys } from '../state/shipped-state.ts'
import { makeOwnFolder } from '../store/own-folder.ts'
import { type LambdaSession, pipelineFile, readAsset } from './session.ts'

/** Sessions by hash, the most recently used last. */
const opened = new Map<string, Promise<LambdaSession>>()
/** Limit on the shipments whose files are kept. Their modules stay loaded while the process lives. */
const openedMax = 4

let folder: string | undefined

/**
 * Returns the session with shipped code; the given one without a hash. After a failure the next call tries again.
 * @throws SHIP_NOT_ALLOWED, SHIP_DAMAGED, SHIP_NEEDS_DEPLOYMENT, and as `loadPipeline`
 */
export async function openShipped(deployed: LambdaSession, hash: string): Promise<LambdaSession> {
  if (hash === '') return deployed
  if (!deployed.settings.allowShip) {
    const message =
      'expected the deployed code, got an execution with code of its own, which this pipeline does not run; deploy it with allowShip: true, or start it without --ship'
    throw new PermanentError('SHIP_NOT_ALLOWED', message, { hash })
  }
  const key = `${deployed.output.url} ${hash}`
  const session = opened.get(key) ?? open(deployed, hash)
  opened.delete(key)
  opened.set(key, session)
  try {
    return await session
  } catch (error) {
    await forget(key)
    throw error
  }
}

async function open(deployed: LambdaSession, hash: string): Promise<LambdaSession> {
  const { settings } = deployed
  const shipment = await readShipment(deployed, hash)
  checkShipFacts(await readAsset(settings, assetNames.shipFacts, shipFactsSchema), shipment.facts)
  const pipelineUrl = await unpack(shipment, { hash, deployedUrl: settings.pipelineUrl })
  const bundle = { file: pipelineFile({ ...settings, pipelineUrl }), url: pipelineUrl, files: [] }
  const pipeline = await loadPipeline(bundle)
  checkShippedName(settings.pipeline, pipeline.name)
  const { codeHashes, schemas } = shipment
  return { ...deployed, shipped: hash, bundle, pipeline, codeHashes, schemas }
}

/** Reads a shipment and compares it with its hash, because others may write to the state. */
async function readShipment({ output }: LambdaSession, hash: string): Promise<Shipment> {
  const { content } = shippedKeys(hash)
  const damaged = (problem: string, options?: ErrorOptions): PermanentError => {
    const message = `expected shipped code in ${output.url} at ${content}, ${problem}; ship it again: fanmill start --ship`
    return new PermanentError('SHIP_DAMAGED', message, { hash, key: content }, options)
  }
  const bytes = await output.read(content).catch((cause: unknown) => {
    throw hasCode(cause, 'DATASET_MISSING') ? damaged('found none', { cause }) : cause
  })
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== hash) throw damaged(`got bytes with the SHA-256 ${found}`)
  try {
    return v.parse(shipmentSchema, JSON.parse(gunzipSync(bytes, { maxOutputLength: shippedTextBytesMax }).toString()))
  } catch (cause) {
    throw damaged('got something else', { cause })
  }
}

/** Writes the files of a shipment into a folder in which they find what is deployed, and returns the URL of its module. */
async function unpack(
  { code, sourceMap, files }: Shipment,
  { hash, deployedUrl }: { readonly hash: string; readonly deployedUrl: string },
): Promise<string> {
  folder ??= makeOwnFolder(tmpdir())
  for (const old of [...opened.keys()].slice(0, -openedMax)) await forget(old)
  const own = join(folder, hash)
  await rm(own, { recursive: true, force: true })
  await mkdir(own)
  const asset = new URL('./', deployedUrl)
  await writeFile(join(own, assetNames.pipeline), code)
  await writeFile(join(own, `${assetNames.pipeline}.map`), sourceMap)
  const errors = `export * from ${JSON.stringify(new URL(assetNames.errors, asset).href)}`
  await writeFile(join(own, assetNames.errors), errors)
  await symlink(fileURLToPath(new URL(assetNames.packages, asset)), join(own, assetNames.packages))
  for (const [name, { content, mode }] of Object.entries(files)) {
    const file = join(own, assetNames.files, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, Buffer.from(content, 'base64'), { mode })
  }
  return pathToFileURL(join(own, assetNames.pipeline)).href
}

/** Removes the files of a shipment that was not used for long, or does not load; one that is used again is unpacked again. */
async function forget(key: string): Promise<void> {
  opened.delete(key)
  const hash = key.slice(key.lastIndexOf(' ') + 1)
  if (folder !== undefined) await rm(join(folder, hash), { recursive: true, force: true })
}
