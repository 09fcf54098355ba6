/** Finds the package to which an installed file belongs, and reads its definition. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the package of a file; undefined for a file outside of `node_modules`. */
export function packageOf(file: string) {
  const [, folder, name] = /^(.*[\\/]node_modules[\\/])(@[^\\/]+[\\/][^\\/]+|[^\\/]+)/.exec(file) ?? []
  return folder === undefined || name === undefined ? undefined : { root: join(folder, name), name }
}

/** Reads the `package.json` of a package's folder. */
export const definitionOf = (root: string): Readonly<Record<string, unknown>> =>
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
