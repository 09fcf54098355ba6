/** Installs the compiled package, without its declarations, into another project's folder; its dependencies are this repository's. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Copies the package, which is compiled once for a run of the tests, into node_modules of `folder`, and links all other packages there. */
export function publishInto(folder: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  cpSync(inject('compiledFolder'), join(modules, 'fanmill'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if ((name === '.bin' || !name.startsWith('.')) && name !== 'fanmill')
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
}
