/** Makes the shipment of a pipeline: its code as deployed functions run it, with all that synthesis would find out about it. */
import { gzipSync } from 'node:zlib'
import { checkShipFacts, checkShippedName, refusal, type ShipFacts, shipFactsOf } from './aws/ship-facts.ts'
import { type Shipment, shippedBytesMax } from './aws/shipment.ts'
import { bundlePipeline } from './bundle/bundle.ts'
import { sha256 } from './bundle/bundle-inputs.ts'
import { loadPipeline } from './bundle/bundle-load.ts'
import { rowVersions } from './bundle/own-versions.ts'
import { codeHashes } from './bundle/task-hasher.ts'
import { knownColumns, taskSchemas } from './bundle-schemas.ts'
import { PermanentError } from './errors/errors.ts'
import { checkShippedBytes, makeShippedCode } from './lambda/asset/shipment.ts'
import { inOwnFolder } from './store/own-folder.ts'

/** The deployment that will run it. */
export interface ShipTarget {
  /** Name of the pipeline. */
  readonly name: string
  readonly facts: ShipFacts
}

/** Returns compressed JSON, and its SHA-256 in hexadecimal digits. @throws DEFINITION_*, also when sources are edited meanwhile; SQL_*; SHIP_NEEDS_DEPLOYMENT when the deployed functions cannot run it, or it is too large */
export function makeShipment(file: string, deployed: ShipTarget) {
  return inOwnFolder(async folder => {
    const shipment = (await tryShipment(file, deployed, folder)) ?? (await tryShipment(file, deployed, folder))
    if (!shipment) {
      const message = `expected sources that stay the same while they are bundled, got edits of ${file}, or of what it imports, twice; ship it again`
      throw new PermanentError('DEFINITION_LOAD', message, { file })
    }
    return pack(shipment)
  })
}

/** Makes a shipment; undefined when a source was edited meanwhile, so that the code may be other code than its hashes tell. */
async function tryShipment(file: string, deployed: ShipTarget, folder: string): Promise<Shipment | undefined> {
  const bundle = () => bundlePipeline(file, { outFolder: folder, what: 'a pipeline file to ship' })
  const bundled = await bundle()
  const pipeline = await loadPipeline(bundled)
  checkShippedName(deployed.name, pipeline.name)
  const { external, ...code } = await makeShippedCode(file, deployed.facts)
  const again = await bundle()
  if (again.url !== bundled.url || again.hashText !== bundled.hashText) return undefined
  const facts = shipFactsOf(pipeline, { versions: rowVersions(), include: deployed.facts.include, external })
  checkShipFacts(deployed.facts, facts, pipeline)
  const hashes = Object.fromEntries(await codeHashes(bundled, pipeline))
  const schemas = knownColumns(await taskSchemas(pipeline, { withSamples: false }))
  return { facts, ...code, codeHashes: hashes, schemas }
}

function pack(shipment: Shipment) {
  const text = Buffer.from(JSON.stringify(shipment))
  checkShippedBytes(text.length)
  const bytes = gzipSync(text)
  if (bytes.length > shippedBytesMax) {
    const message = `expected at most ${shippedBytesMax} bytes of code and files, compressed, got ${bytes.length}; include less, or read large files from S3`
    throw refusal(message, { bytes: bytes.length })
  }
  return { hash: sha256(bytes), bytes }
}
