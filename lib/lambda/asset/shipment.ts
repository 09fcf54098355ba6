/** Makes the object by which code travels to deployed functions: the pipeline, its libraries, and the files that it reads. */
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Plugin } from 'esbuild'
import { assetNames } from '../../aws/lambda-events.ts'
import { refusal, type ShipFacts } from '../../aws/ship-facts.ts'
import { type Shipment, shippedTextBytesMax } from '../../aws/shipment.ts'
import { definitionOf, packageOf } from '../../bundle/installed-package.ts'
import { inOwnFolder } from '../../store/own-folder.ts'
import { copyIncluded } from './asset.ts'
import { packageFolder } from './binding.ts'
import { buildForLambda, errorsFile, ownPackages } from './build.ts'

/** Code for deployed functions. */
export interface ShippedCode extends Pick<Shipment, 'code' | 'sourceMap' | 'files'> {
  /** Versions of the packages that it imports from the asset. */
  readonly external: Readonly<Record<string, string>>
}

/**
 * Bundles a pipeline with everything that the deployed functions do not have.
 * @throws DEFINITION_LOAD when something cannot be bundled or found; SHIP_NEEDS_DEPLOYMENT for a package with native parts that they do not have
 */
export async function makeShippedCode(
  file: string,
  deployed: Pick<ShipFacts, 'include' | 'external'>,
): Promise<ShippedCode> {
  const entry = resolve(file)
  const external = Object.keys(deployed.external)
  const { outputFiles, metafile } = await buildForLambda(
    { entry, external, handlerFolders: [] },
    { entryPoints: { pipeline: entry }, loader: { '.node': 'empty' }, plugins: [sharedErrors] },
  )
  const textOf = (name: string): string => outputFiles.find(({ path }) => basename(path) === name)?.text ?? ''
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined)
  const root = dirname(dirname(outputFiles[0]?.path ?? entry))
  const paths = (inputs: object | undefined): string[] => Object.keys(inputs ?? {}).map(path => resolve(root, path))
  refuseAddons(paths(metafile.inputs))
  refuseNative(paths(output?.inputs))
  const imported = (output?.imports ?? []).map(({ path }) => packageName(path))
  const used = external.filter(name => imported.includes(name) && !ownPackages.includes(name))
  return {
    code: textOf(assetNames.pipeline),
    sourceMap: textOf(`${assetNames.pipeline}.map`),
    files: await includedFiles(deployed.include, dirname(entry)),
    external: packageVersions(used, dirname(entry)),
  }
}

/** Returns the versions of installed packages, as a module in `from` finds them. @throws DEFINITION_LOAD when one is not installed */
export function packageVersions(names: readonly string[], from: string): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map(name => [name, String(definitionOf(packageFolder(name, from)).version)]))
}

/** Leaves the classes of errors to the asset, because its threads test errors of the user's code for them. */
const sharedErrors: Plugin = {
  name: 'fanmill-shared-errors',
  setup(build) {
    const shared = errorsFile()
    build.onResolve({ filter: /errors(\.[jt]s)?$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolving' || from.kind === 'entry-point') return undefined
      const { importer, namespace, resolveDir, kind } = from
      const found = await build.resolve(path, { importer, namespace, resolveDir, kind, pluginData: 'resolving' })
      return found.path === shared ? { path: `./${assetNames.errors}`, external: true } : undefined
    })
  },
}

/** @throws SHIP_NEEDS_DEPLOYMENT for compiled code outside of packages */
function refuseAddons(files: readonly string[]): void {
  const addon = files.find(file => file.endsWith('.node') && !packageOf(file))
  if (addon === undefined) return
  const message = `expected compiled code in packages that the deployed functions have, got ${addon}; put it into a package, and name that in the prop external of the construct`
  throw refusal(message, { file: addon })
}

/** @throws SHIP_NEEDS_DEPLOYMENT for a file of a package with native parts, which no bundle can hold */
function refuseNative(files: readonly string[]): void {
  const packages = new Map(files.flatMap(file => packageOf(file) ?? []).map(({ root, name }) => [root, name]))
  for (const [root, name] of packages) {
    if (!isNative(root) && !files.some(file => file.startsWith(root) && file.endsWith('.node'))) continue
    const message = `expected packages that are bundled, or that the deployed functions have, got ${name}, which has native parts; name it in the prop external of the construct`
    throw refusal(message, { name })
  }
}

/** Whether a package is built or chosen when it is installed. */
function isNative(folder: string): boolean {
  // Folders that are no packages, such as caches, have no definition.
  if (!existsSync(join(folder, 'package.json'))) return false
  const { gypfile, binary, optionalDependencies = {} } = definitionOf(folder)
  const isBuilt = ['binding.gyp', 'prebuilds'].some(name => existsSync(join(folder, name)))
  const isChosen = Object.keys(optionalDependencies as object).some(name => /linux-(?:x64|arm64)/.test(name))
  return gypfile === true || binary !== undefined || isBuilt || isChosen
}

const packageName = (path: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path

/** @throws SHIP_NEEDS_DEPLOYMENT when code and files, with the base64 of files, are larger than what a function can unpack */
export function checkShippedBytes(bytes: number): void {
  if (bytes <= shippedTextBytesMax) return
  const message = `expected at most ${shippedTextBytesMax} bytes of code and files before compression, files in base64, got at least ${bytes}; include less, or read large files from S3`
  throw refusal(message, { bytes })
}

function includedFiles(globs: readonly string[], folder: string): Promise<Shipment['files']> {
  return inOwnFolder(async copies => {
    await copyIncluded(globs, folder, copies)
    const files: Record<string, Shipment['files'][string]> = {}
    let bytes = 0
    for (const name of (await readdir(copies, { recursive: true })).sort()) {
      const found = await stat(join(copies, name))
      if (!found.isFile()) continue
      bytes += Math.ceil(found.size / 3) * 4
      checkShippedBytes(bytes)
      const content = (await readFile(join(copies, name))).toString('base64')
      files[name.replaceAll('\\', '/')] = { content, mode: found.mode & 0o777 }
    }
    return files
  })
}
