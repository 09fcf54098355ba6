/** The versions of this library and its engine, on which rows depend. */
import { readFileSync } from 'node:fs'

interface OwnPackage {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** Returns `name@version` of the library and of the engine. */
export function rowVersions(): readonly string[] {
  const { version, dependencies } = ownPackage()
  return [`fanmill@${version}`, `engine@${dependencies['@duckdb/node-api']}`]
}

function ownPackage(): OwnPackage {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as OwnPackage
}
