/** The keys that a pipeline reads and writes, as prefixes: for roles, for the trigger, and to refuse a loop. */

import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { datasetsAt, readTasks, sourcePaths } from '../define/sources/source-paths.ts'
import { ownTarget, targetPaths } from '../define/tasks/target-paths.ts'
import { stagesOf } from '../define/tasks/task-stages.ts'
import { templateTokens } from '../define/template-syntax.ts'
import { PermanentError } from '../errors/errors.ts'
import { keyRebase, refuseOwnSources } from '../inputs/own-outputs.ts'
import { literalPrefix } from '../paths/glob.ts'
import { exchangeRoot, stateRoot } from '../store/state-root.ts'
import { type KeyFilter, keyFilter } from './key-wildcard.ts'

/** Keys below the buckets' roots; a pattern ends in `*`, or is one whole key. */
export interface Places {
  readonly inputs: readonly string[]
  /** Prefixes of datasets. */
  readonly outputs: readonly string[]
  /** Parts that tasks of the pipeline read. */
  readonly upstream: readonly string[]
  /** Datasets of other pipelines below the output prefix that tasks read. */
  readonly datasets: readonly string[]
  /** Logs of Delta tables, and the tables that tasks of the pipeline read: Plan pins their versions and files. */
  readonly tables: readonly string[]
  /** Keys that Process may write: parts, or members. */
  readonly parts: readonly string[]
  /** Keys below the output prefix that tell whether a task is done which acts instead of writing rows. */
  readonly targets: readonly string[]
  /** Keys that programs may write in each bucket: the folders of their targets. */
  readonly programs: { readonly input: readonly string[]; readonly output: readonly string[] }
  readonly state: string
  /** Prefix of the rows that stages of a task exchange; absent where no task has several. */
  readonly exchange?: string
  /** Prefix of keys that start the pipeline. */
  readonly trigger?: string
  /** The filter of the rule that starts it; absent where every key may. */
  readonly triggerFilter?: KeyFilter | undefined
}

export interface Prefixes {
  readonly inputPrefix: string
  readonly outputPrefix: string
}

export function placesOf({ tasks, trigger }: PipelineDefinition, { inputPrefix, outputPrefix }: Prefixes): Places {
  const outputs = tasks.map(task => outputPrefix + outputFolder(task))
  const upstream = tasks.flatMap(readTasks)
  return {
    inputs: unique(
      tasks
        .flatMap(task => [
          ...sourcePaths(task.source),
          ...Object.values(task.tables).flatMap(({ path }) => path ?? []),
          ...targetPaths(task),
          ...targetsIn('input', [task]),
        ])
        .map(path => inputPrefix + keyPattern(path)),
    ),
    outputs: unique(outputs),
    upstream: unique(upstream.flatMap(task => outputKeys(task, outputPrefix, readsOf(task)))),
    tables: unique([
      ...tasks.flatMap(task => outputKeys(task, outputPrefix, outputKind(task.output).log)),
      ...upstream.filter(hasLog).flatMap(task => outputKeys(task, outputPrefix, readsOf(task))),
    ]),
    datasets: unique(
      tasks
        .flatMap(({ source }) => datasetsAt(source))
        .filter(({ root }) => root === 'output')
        .map(({ path }) => outputPrefix + keyPattern(`${path}/**`)),
    ),
    parts: unique(tasks.flatMap(task => outputKeys(task, outputPrefix, outputKind(task.output).keys))),
    targets: unique(targetsIn('output', tasks).map(path => outputPrefix + keyPattern(path))),
    programs: {
      input: targetsIn('input', tasks.filter(isProgram)).map(path => inputPrefix + keyPattern(path)),
      output: targetsIn('output', tasks.filter(isProgram)).map(path => outputPrefix + keyPattern(path)),
    },
    state: outputPrefix + stateRoot,
    ...(tasks.some(task => stagesOf(task).length > 1) && { exchange: outputPrefix + exchangeRoot }),
    ...(trigger && {
      trigger: inputPrefix + fixedPrefix(trigger.upload),
      triggerFilter: keyFilter(inputPrefix, trigger.upload),
    }),
  }
}

/** @throws DEFINITION_INVALID when a part, or a state file, could start the pipeline again: a loop that costs money */
export function refuseLoop({ outputs, state, trigger }: Places): void {
  if (trigger === undefined) return
  const met = [...outputs, state].find(written => written.startsWith(trigger) || trigger.startsWith(written))
  if (met === undefined) return
  const shown = (prefix: string): string => JSON.stringify(`${prefix}*`)
  const message = `expected outputs apart from the trigger, got ${shown(met)} written and ${shown(trigger)} starting a run in one bucket, so that runs could start each other; give an outputPrefix, or another bucket`
  throw new PermanentError('DEFINITION_INVALID', message, { output: met, trigger })
}

/** Refuses at synthesis what Plan would refuse. @throws INPUT_IS_OUTPUT when a task reads what a task of the pipeline writes */
export function refuseOwnInputs({ tasks }: PipelineDefinition, { inputPrefix, outputPrefix }: Prefixes): void {
  const roots = keyRebase(inputPrefix, outputPrefix)
  const advice = 'an inputPrefix without outputs, an outputPrefix outside of it, or another bucket'
  refuseOwnSources({ tasks, roots }, { root: inputPrefix === '' ? 'the input bucket' : inputPrefix, advice })
}

/** Returns globs for the targets of tasks that act, below one root. */
const targetsIn = (root: 'input' | 'output', tasks: readonly TaskDefinition[]): string[] =>
  tasks.flatMap(task => ownTarget(task) ?? []).flatMap(target => (target.root === root ? [target.path] : []))

const isProgram = ({ source }: TaskDefinition): boolean => source.kind === 'program'

function keyPattern(template: string): string {
  const prefix = fixedPrefix(template)
  return prefix === template ? prefix : `${prefix}*`
}

/** Returns the text with which every key of a template begins. */
function fixedPrefix(template: string): string {
  const [first] = templateTokens(template)
  return first?.kind === 'text' ? literalPrefix(first.text) : ''
}

type WritingTask = Pick<TaskDefinition, 'name' | 'output'>

/** Returns a pattern of keys below the folder of a task; none where it has no such keys. */
function outputKeys(task: WritingTask, outputPrefix: string, keys: string | undefined): string[] {
  return keys === undefined ? [] : [outputPrefix + outputFolder(task) + keys]
}

/** Returns the pattern of what other tasks read of an output. */
function readsOf({ output }: WritingTask): string | undefined {
  const { reads, keys } = outputKind(output)
  return reads ?? keys
}

const hasLog = ({ output }: WritingTask): boolean => outputKind(output).log !== undefined

function outputFolder(task: WritingTask): string {
  const path = task.output.path.replaceAll('{task}', task.name)
  const prefix = fixedPrefix(path)
  return prefix === path && path !== '' ? `${path}/` : prefix
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]
