/** Finds inputs that are outputs of the pipeline itself: a task that reads them would read its own rows again in each run. */
import type { ParamDefinition, Params, ParamValues, TaskDefinition } from '../define/definition.ts'
import { layoutOf } from '../define/outputs/output-kind.ts'
import { sourcePaths } from '../define/sources/source-paths.ts'
import { escapeRegExp, templateTokens } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { partName } from '../model/outcome/part-name.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { globMatcher } from '../paths/glob.ts'
import { templateGlob } from '../paths/path-template.ts'
import { sampleOf } from '../paths/sample-values.ts'

/** How a key of the input root becomes one of the output root: `strip` is removed from its beginning, and `add` is put there. */
export interface KeyRebase {
  readonly strip: string
  readonly add: string
}

/** Compares two prefixes, which end in a slash or are empty; returns undefined when neither lies inside the other. */
export function keyRebase(input: string, output: string): KeyRebase | undefined {
  if (output.startsWith(input)) return { strip: output.slice(input.length), add: '' }
  if (input.startsWith(output)) return { strip: '', add: input.slice(output.length) }
  return undefined
}

export interface OwnOutputs {
  /** Absent where neither root lies inside the other. */
  readonly roots?: KeyRebase
  readonly tasks: readonly Pick<TaskDefinition, 'name' | 'output'>[]
}

/** Whether a key belongs to a state folder or to installed packages, which are never data. */
export function isNeverInput(key: string): boolean {
  return /(?:^|\/)(?:\.fanmill|node_modules)\//.test(key)
}

/** Returns a function that finds the task to whose output a key of the input root belongs. */
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

/** Returns a key of the input root that a part of this run would have; undefined where its parts lie elsewhere, or it has none. */
export function partKeyOf(
  { roots }: OwnOutputs,
  task: Pick<TaskDefinition, 'name' | 'output'>,
  params: ParamValues,
): string | undefined {
  const layout = layoutOf(task.output)
  if (!roots || !layout) return undefined
  // Any lineage does: it is the text of one folder.
  const folder = outputPathOf(task, params, 'sample')
  const partitions = layout.partitionBy.map(column => `${column}=x/`).join('')
  const key = `${folder}/${partitions}${partName(0, 0, { runId: '0'.repeat(16), attempt: 1 })}`
  return key.startsWith(roots.add) ? roots.strip + key.slice(roots.add.length) : undefined
}

/**
 * Refuses a source that matches the parts of a task of the same pipeline, before there are keys: parameters have sample values.
 * @throws INPUT_IS_OUTPUT
 */
export function refuseOwnSources(
  { tasks, roots }: { readonly tasks: readonly TaskDefinition[]; readonly roots?: KeyRebase },
  { root, advice }: { readonly root: string; readonly advice: string },
): void {
  const globs = tasks.flatMap(({ source, params }) => sourcePaths(source).map(glob => ({ glob, params })))
  for (const { glob, params } of globs) {
    const matches = globMatcher(templateGlob(glob, samplesOf(params)))
    for (const writer of tasks) {
      const key = partKeyOf({ tasks, roots }, writer, samplesOf(writer.params))
      if (key !== undefined && matches(key)) refuseOwnOutput({ glob, root, task: writer.name, key, advice })
    }
  }
}

/** A text is the name of its parameter, so that parameters of two names are not taken for equal. */
function samplesOf(params: Params): ParamValues {
  const sample = ([name, param]: [string, ParamDefinition]) => [name, param.type === 'string' ? name : sampleOf(param)]
  return Object.fromEntries(Object.entries(params).map(sample))
}

/** Refuses an input that is an output. @throws INPUT_IS_OUTPUT */
export function refuseOwnOutput(what: {
  readonly glob: string
  readonly root: string
  readonly task: string
  readonly key: string
  /** Which roots to choose; default the flags of the command line. */
  readonly advice?: string
}): never {
  const { advice = rootsAdvice, ...detail } = what
  const { glob, root, task, key } = detail
  const message = `${glob} under ${root} matches ${key}, an output of task ${task} of this pipeline: each run would read what runs wrote; choose ${advice}, or leave the folder out of the glob: !(name)/…`
  throw new PermanentError('INPUT_IS_OUTPUT', message, detail)
}

const rootsAdvice = 'an input root without outputs (--input), an output root outside of it (--output)'
