/** The versions of this library and its engine, on which rows depend. */
import { readFileSync } from 'node:fs'

/** Returns `name@version` of the library and of the engine. */
export function rowVersions(): readonly string[] {
  const { version, dependencies } = ownPackage()
  return [`fanmill@${version}`, `engine@${dependencies['@duckdb/node-api']}`]
}

/** Returns `name@version` of the library, of the bundler, and of the bundles' own form. */
export function bundleVersions(): readonly string[] {
  const { version, dependencies } = ownPackage()
  return [`fanmill@${version}`, `esbuild@${dependencies.esbuild}`, `form@${bundleForm}`]
}

/** Raised when the same sources become another bundle, or an entry of the cache has other fields. */
const bundleForm = 1

function ownPackage(): { readonly version: string; readonly dependencies: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
}
