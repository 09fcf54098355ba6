/** Installs the compiled package, without its declarations, into another project's folder; its dependencies are this repository's. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from '../scripts/compile.ts'

const root = join(import.meta.dirname, '..')

/** Compiles the package into node_modules of `folder`, and links all other packages there. */
export async function publishInto(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'fanmill'), { recursive: true })
  await compile(join(modules, 'fanmill'))
  for (const name of readdirSync(join(root, 'node_modules')))
    if ((name === '.bin' || !name.startsWith('.')) && name !== 'fanmill')
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
}
