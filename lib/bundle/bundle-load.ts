/** Loads the pipeline that a bundle exports. */
import { fileURLToPath } from 'node:url'
import { closest } from 'fastest-levenshtein'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { FanmillError, fromPlain, PermanentError, toPlain } from '../errors/errors.ts'
import type { Bundle } from './bundle.ts'
import { entryUrl } from './entry-url.ts'

/** The fields of a bundle that loading needs. */
export type LoadableBundle = Pick<Bundle, 'file' | 'url' | 'files'>

/**
 * Imports a bundle and returns its default export; a single task becomes a pipeline of one task.
 * Enables source maps in this thread, so that stacks of the user's functions name the user's files.
 * Each `copy` of the module has variables of its own; the first is 0.
 * @throws DEFINITION_LOAD when the module throws or exports no pipeline; definition errors unchanged
 */
export async function loadPipeline(bundle: LoadableBundle, copy = 0): Promise<PipelineDefinition> {
  const exported = await loadModule(bundle, copy)
  const found = defaultExport(exported)
  if (isKind(found, 'pipeline')) return found as PipelineDefinition
  if (isKind(found, 'task')) {
    const task = found as TaskDefinition
    return Object.freeze({ kind: 'pipeline', name: task.name, tasks: Object.freeze([task]) })
  }
  throw new PermanentError('DEFINITION_LOAD', notPipeline(bundle.file, exported), { file: bundle.file })
}

/** Returns the default export; for a CommonJS module that was compiled from ES modules, its `default`. */
function defaultExport(exported: Readonly<Record<string, unknown>>): unknown {
  const found = exported.default
  const isCompiled = typeof found === 'object' && found !== null && '__esModule' in found && 'default' in found
  return isCompiled ? found.default : found
}

/** Returns what a copy of a bundled module exports. @throws DEFINITION_LOAD when the module throws */
export async function loadModule(bundle: LoadableBundle, copy = 0): Promise<Readonly<Record<string, unknown>>> {
  process.setSourceMapsEnabled(true)
  const url = new URL(bundle.url)
  if (copy > 0) url.searchParams.set('copy', `${copy}`)
  try {
    return await import(url.href)
  } catch (error) {
    if (!isDefinitionError(error)) throw await loadError(bundle, error)
    throw error instanceof FanmillError ? error : fromPlain(toPlain(error))
  }
}

/** Returns whether this library, or another copy of it, threw the error. */
function isDefinitionError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'detail' in error && /^[A-Z_]+$/.test(String(error.code))
}

async function loadError({ file, files }: LoadableBundle, error: unknown): Promise<PermanentError> {
  const { name, message } = error instanceof Error ? error : { name: 'thrown', message: String(error) }
  const missing = /does not provide an export named '(.+)'/.exec(message)?.[1]
  if (missing && message.includes(entryUrl('fanmill'))) return unknownExport(file, missing, error)
  const place = error instanceof Error ? userFrame(error.stack ?? '', files) : undefined
  const at = place ? `${place.file}:${place.line}:${place.column}` : file
  const reason = `cannot load ${at}: ${name}: ${message}`
  const wrapped = new PermanentError('DEFINITION_LOAD', reason, place ?? { file }, { cause: error })
  if (error instanceof Error && error.stack) wrapped.stack = error.stack
  return wrapped
}

async function unknownExport(file: string, name: string, cause: unknown): Promise<PermanentError> {
  const known = Object.keys(await import(entryUrl('fanmill')))
  const near = known.length > 0 ? `; did you mean ${closest(name, known)}` : ''
  const message = `cannot load ${file}: expected an export of fanmill, got ${name}${near}`
  return new PermanentError('DEFINITION_LOAD', message, { file, name }, { cause })
}

/** Returns the innermost frame of a mapped stack that is in the user's sources. */
function userFrame(stack: string, files: readonly string[]) {
  for (const [, where = '', line, column] of stack.matchAll(/(?:\(|at )((?:file:\/\/)?[^()\n]+?):(\d+):(\d+)\)?$/gm)) {
    const file = where.startsWith('file:') ? fileURLToPath(where) : where
    if (files.includes(file)) return { file, line: Number(line), column: Number(column) }
  }
  return undefined
}

function notPipeline(file: string, exported: Readonly<Record<string, unknown>>): string {
  const tasks = Object.keys(exported).filter(name => name !== 'default' && isKind(exported[name], 'task'))
  const advice = `add \`export default pipeline({ name: '…', tasks: [${tasks.join(', ')}] })\``
  const got = 'default' in exported ? describe(exported.default) : 'no default export'
  const also = tasks.length > 0 ? ` and the tasks ${tasks.join(', ')}` : ''
  return `expected ${file} to export a pipeline as default, got ${got}${also}; ${advice}`
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  return 'kind' in value ? `a ${String(value.kind)}` : 'an object'
}

function isKind(value: unknown, kind: string): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}
