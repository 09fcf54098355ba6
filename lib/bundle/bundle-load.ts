/** The pipeline that a bundle exports, and the code hash of each of its tasks. */
import { fileURLToPath } from 'node:url'
import { closest } from 'fastest-levenshtein'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { FanmillError, fromPlain, PermanentError, toPlain } from '../errors/errors.ts'
import type { Bundle } from './bundle.ts'
import { codeHasher } from './code-hash.ts'
import { entryUrl } from './entry-url.ts'
import { rowVersions } from './own-versions.ts'

/** What loading needs of a bundle. */
export type LoadableBundle = Pick<Bundle, 'file' | 'url' | 'files'>

/**
 * Imports a bundle: its default export, or a pipeline of one where that is a lone task.
 * Turns source maps on in this thread, so that stacks of the user's functions name the user's files.
 * @throws DEFINITION_LOAD when the module throws or exports no pipeline; definition errors pass as they are.
 */
export async function loadPipeline(bundle: LoadableBundle): Promise<PipelineDefinition> {
  const exported = await loadModule(bundle)
  const made = defaultExport(exported)
  if (isKind(made, 'pipeline')) return made as PipelineDefinition
  if (isKind(made, 'task')) {
    const lone = made as TaskDefinition
    return Object.freeze({ kind: 'pipeline', name: lone.name, tasks: Object.freeze([lone]) })
  }
  throw new PermanentError('DEFINITION_LOAD', notPipeline(bundle.file, exported), { file: bundle.file })
}

/** The default export; of a CommonJS module that was compiled from ES modules, its own `default`. */
function defaultExport(exported: Readonly<Record<string, unknown>>): unknown {
  const made = exported.default
  const isCompiled = typeof made === 'object' && made !== null && '__esModule' in made && 'default' in made
  return isCompiled ? made.default : made
}

/** Code hash by task name: equal on every machine with the same sources, packages and version of this library. */
export async function codeHashes(
  bundle: LoadableBundle & Pick<Bundle, 'hashText'>,
  pipeline: PipelineDefinition,
): Promise<ReadonlyMap<string, string>> {
  const hash = await taskHasher(bundle, pipeline)
  return new Map(pipeline.tasks.map(task => [task.name, hash(task)]))
}

/** The code hash of one task of a pipeline, found when it is asked for. */
export async function taskHasher(
  bundle: LoadableBundle & Pick<Bundle, 'hashText'>,
  { tasks }: PipelineDefinition,
): Promise<(task: TaskDefinition) => string> {
  const exported = Object.entries(await loadModule(bundle))
  const hash = codeHasher(bundle.hashText)
  const versions = rowVersions()
  return task => {
    const exportedAs = exported.find(([, value]) => value === task)?.[0]
    return hash({
      task: task.name,
      versions,
      position: { index: tasks.indexOf(task), count: tasks.length },
      ...(exportedAs === undefined ? {} : { exportedAs }),
      ...(task.version === undefined ? {} : { version: task.version }),
    })
  }
}

async function loadModule(bundle: LoadableBundle): Promise<Readonly<Record<string, unknown>>> {
  process.setSourceMapsEnabled(true)
  try {
    return await import(bundle.url)
  } catch (error) {
    throw isOwn(error) ? revived(error) : await loadError(bundle, error)
  }
}

/** A definition error of ours, also when another copy of this library made it. */
function isOwn(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && 'detail' in error && /^[A-Z_]+$/.test(String(error.code))
}

function revived(error: Error): Error {
  return error instanceof FanmillError ? error : fromPlain(toPlain(error))
}

async function loadError({ file, files }: LoadableBundle, error: unknown): Promise<PermanentError> {
  const { name, message } = error instanceof Error ? error : { name: 'thrown', message: String(error) }
  const missing = /does not provide an export named '(.+)'/.exec(message)?.[1]
  if (missing && message.includes(entryUrl('index'))) return unknownExport(file, missing, error)
  const place = error instanceof Error ? userFrame(error.stack ?? '', files) : undefined
  const at = place ? `${place.file}:${place.line}:${place.column}` : file
  const wrapped = new PermanentError(
    'DEFINITION_LOAD',
    `cannot load ${at}: ${name}: ${message}`,
    { ...(place ?? { file }) },
    { cause: error },
  )
  if (error instanceof Error && error.stack) wrapped.stack = error.stack
  return wrapped
}

async function unknownExport(file: string, name: string, cause: unknown): Promise<PermanentError> {
  const known = Object.keys(await import(entryUrl('index')))
  const near = known.length > 0 ? `; did you mean ${closest(name, known)}` : ''
  const message = `cannot load ${file}: expected an export of fanmill, got ${name}${near}`
  return new PermanentError('DEFINITION_LOAD', message, { file, name }, { cause })
}

/** The innermost frame of a mapped stack that is in the user's sources. */
function userFrame(
  stack: string,
  files: readonly string[],
): { file: string; line: number; column: number } | undefined {
  for (const [, where = '', line, column] of stack.matchAll(/(?:\(|at )((?:file:\/\/)?[^()\n]+?):(\d+):(\d+)\)?$/gm)) {
    const file = where.startsWith('file:') ? fileURLToPath(where) : where
    if (files.includes(file)) return { file, line: Number(line), column: Number(column) }
  }
  return undefined
}

function notPipeline(file: string, exported: Readonly<Record<string, unknown>>): string {
  const tasks = Object.keys(exported).filter(name => name !== 'default' && isKind(exported[name], 'task'))
  const mend = `add \`export default pipeline({ name: '…', tasks: [${tasks.join(', ')}] })\``
  const came = 'default' in exported ? shown(exported.default) : 'no default export'
  const also = tasks.length > 0 ? ` and the tasks ${tasks.join(', ')}` : ''
  return `expected ${file} to export a pipeline as default, got ${came}${also}; ${mend}`
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  return 'kind' in value ? `a ${String(value.kind)}` : 'an object'
}

function isKind(value: unknown, kind: string): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}
