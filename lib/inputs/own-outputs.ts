/** Tells which inputs are outputs of the pipeline itself: a task that reads them would read its own rows again on each run. */
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { escapeRegExp, templateTokens } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { outputPathOf } from '../model/output-path.ts'

/** How keys of the input root become keys of the output root: `strip` is taken from their beginning, then `add` put there. */
export interface RootsApart {
  readonly strip: string
  readonly add: string
}

export interface OwnOutputs {
  /** Absent where neither root lies in the other. */
  readonly roots?: RootsApart
  readonly tasks: readonly Pick<TaskDefinition, 'name' | 'output'>[]
}

/** State and packages are nobody's data, wherever they stand. */
export function isNeverInput(key: string): boolean {
  return /(?:^|\/)(?:\.fanmill|node_modules)\//.test(key)
}

/** The name of the task to whose output a key of the input root belongs. */
export function outputTaskOf({ roots, tasks }: OwnOutputs): (key: string) => string | undefined {
  if (!roots) return () => undefined
  const folders = tasks.map(({ name, output }) => ({ name, pattern: folderPattern(name, output) }))
  return key => {
    if (!key.startsWith(roots.strip)) return undefined
    const outputKey = roots.add + key.slice(roots.strip.length)
    return folders.find(({ pattern }) => pattern.test(outputKey))?.name
  }
}

function folderPattern(task: string, { path }: Pick<TaskDefinition['output'], 'path'>): RegExp {
  const source = templateTokens(path.replaceAll('{task}', task)).map(token =>
    token.kind === 'text' ? escapeRegExp(token.text) : '[^/]+',
  )
  return new RegExp(`^${source.join('')}/`, 's')
}

/** A key of the input root as a part of this very run would have it; undefined where it lies elsewhere, or has another name. */
export function partKeyOf(
  { roots }: OwnOutputs,
  task: Pick<TaskDefinition, 'name' | 'output'>,
  params: ParamValues,
): string | undefined {
  if (!roots || task.output.kind !== 'parquet') return undefined
  const folder = outputPathOf(task, params)
  const partitions = task.output.partitionBy.map(column => `${column}=x/`).join('')
  const key = `${folder}/${partitions}part-0-0-0000000000000000-1.parquet`
  return key.startsWith(roots.add) ? roots.strip + key.slice(roots.add.length) : undefined
}

/** @throws INPUT_IS_OUTPUT */
export function refuseOwnOutput(what: {
  readonly glob: string
  readonly root: string
  readonly task: string
  readonly key: string
}): never {
  const { glob, root, task, key } = what
  const message = `${glob} under ${root} matches ${key}, an output of task ${task} of this pipeline: each run would read what runs wrote; choose an input root without outputs (--input), an output root outside of it (--output), or leave the folder out of the glob: !(name)/…`
  throw new PermanentError('INPUT_IS_OUTPUT', message, what)
}
