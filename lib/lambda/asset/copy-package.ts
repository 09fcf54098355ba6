/** Copies installed packages and their dependencies to another node_modules folder. */
import { existsSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { definitionOf } from '../../bundle/installed-package.ts'
import { packageFolder } from './binding.ts'

export interface CopyOptions {
  /** Leaves out types, source maps, texts and optional dependencies. */
  readonly isLean: boolean
}

/** Copies `name`, as a module in `from` would find it, and its dependencies into a node_modules folder. @throws DEFINITION_LOAD when it is not installed */
export async function copyPackage(name: string, from: string, modules: string, options: CopyOptions): Promise<void> {
  const target = join(modules, name)
  if (existsSync(target)) return
  const folder = packageFolder(name, from)
  await copyFolder(folder, target, options)
  const { dependencies = {}, optionalDependencies = {} } = definitionOf(folder) as Dependencies
  const optional = Object.keys(optionalDependencies)
  const wanted = [
    ...Object.keys(dependencies).filter(dependency => !optional.includes(dependency)),
    ...(options.isLean ? [] : optional.filter(dependency => isInstalled(dependency, folder))),
  ]
  for (const dependency of wanted) {
    // One in the package's own node_modules was copied with the package.
    const isWithin = packageFolder(dependency, folder).startsWith(folder + sep)
    if (!isWithin) await copyPackage(dependency, folder, modules, options)
  }
}

/** Copies the folder of a package, including its own node_modules. */
export async function copyFolder(folder: string, target: string, { isLean }: CopyOptions): Promise<void> {
  const isWanted = (path: string): boolean => !isLean || path === folder || isNeeded(path)
  await cp(folder, target, { recursive: true, dereference: true, filter: isWanted })
}

interface Dependencies {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function isInstalled(name: string, from: string): boolean {
  try {
    return packageFolder(name, from) !== ''
  } catch {
    return false
  }
}

const isNeeded = (path: string): boolean =>
  !/\.(d\.[cm]?ts|ts|map|md)$/.test(path) &&
  !/^(docs|test|test-jest|benchmark|examples|scripts|src)$/.test(basename(path))
