/** Installs the built package into another project's folder; its dependencies are this repository's. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Builds the package into node_modules of `folder`, and links all other packages there. */
export function publishInto(folder: string): void {
  const modules = join(folder, 'node_modules')
  mkdirSync(modules, { recursive: true })
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--out', join(modules, 'fanmill')], { stdio: 'pipe' })
  for (const name of readdirSync(join(root, 'node_modules')))
    if ((name === '.bin' || !name.startsWith('.')) && name !== 'fanmill')
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
}
