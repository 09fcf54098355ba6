/** The versions of this library and of its engine, which are part of what rows depend on. */
import { readFileSync } from 'node:fs'

interface OwnPackage {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** `name@version` of all that turns bytes into rows. */
export function rowVersions(): readonly string[] {
  const { version, dependencies } = ownPackage()
  return [`fanmill@${version}`, `engine@${dependencies['@duckdb/node-api']}`]
}

function ownPackage(): OwnPackage {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as OwnPackage
}
