/** Refuses outputs that could be the same: of one task with different parameters, and of two tasks of a pipeline. */
import { PermanentError } from '../../errors/errors.ts'
import type { ParamDefinition, Source, TaskDefinition } from '../definition.ts'
import { datasetsAt, readsNode, sidesOf, sourcePaths, upstreamOf } from '../sources/source-paths.ts'
import { escapeRegExp, placeholdersOf, type TemplateToken, templateTokens } from '../template-syntax.ts'
import { isSalted } from './output-kind.ts'

/** @throws OUTPUT_AMBIGUOUS when two sets of parameters would write to one path, or two versions of other code append to it */
export function checkOutputPath(subject: string, task: TaskDefinition): void {
  const { path, mode } = task.output
  const inPath = placeholdersOf(path)
  const keepsOthers = mode === 'append' || mode === 'replacePartitions'
  const known = keepsOthers ? [...inPath, ...namesInInputs(task)] : inPath
  const lost = Object.keys(task.params).find(name => !known.includes(name))
  if (lost !== undefined && !inPath.includes('salt'))
    throw ambiguous(
      `${subject}: output.path: expected {${lost}} or {salt} in ${path}, as runs with another ${lost} would replace each other`,
      { task: task.name, path, param: lost },
    )
  for (const segment of path.split('/')) checkSegment(subject, task, segment)
  checkSalts(subject, task)
}

/** Refuses to append what other code writes to another path: the rows of both versions would be appended. */
function checkSalts(subject: string, { name, source, output }: TaskDefinition): void {
  if (output.mode !== 'append' || isSalted(output)) return
  const upstream = upstreamOf(source).find(of => isSalted(of.output))?.name
  if (upstream === undefined) return
  const message = `${subject}: output.salted: expected true, as task ${upstream} is salted: its rows by other code are in another path, and those of both would be appended`
  throw ambiguous(message, { task: name, path: output.path, upstream })
}

/** Returns the parameters of which other values mean other inputs: files, or datasets of other tasks. */
function namesInInputs(task: TaskDefinition): readonly string[] {
  const paths = [...sourcePaths(task.source), ...datasetsAt(task.source).map(({ path }) => path)]
  return [...paths.flatMap(placeholdersOf), ...sidesOf(task.source).flatMap(side => namesInDataset(task, side))]
}

/** Returns the parameters that the task passes on to the one that it reads, and that are in the path of its dataset. */
function namesInDataset({ requires = {}, discover }: TaskDefinition, side: Source): readonly string[] {
  const [of] = upstreamOf(side)
  if (!of || typeof requires === 'function' || discover) return []
  const required = Object.entries(requires).flatMap(([name, all]) => all.map(one => ({ ...one, name })))
  const read = required.filter(({ task, name }) => readsNode(side, { task: task.name, name }))
  const inPath = placeholdersOf(of.output.path)
  const names = inPath.includes('salt') ? Object.keys(of.params) : inPath
  return names.filter(name => read.every(({ values }) => !Object.hasOwn(values, name)))
}

/** @throws OUTPUT_AMBIGUOUS when the output of one task may be that of another, or lie in it */
export function checkOutputsApart(subject: string, tasks: readonly TaskDefinition[]): void {
  tasks.forEach((task, index) => {
    const other = tasks.slice(0, index).find(earlier => mayMeet(earlier, task))
    if (other === undefined) return
    throw ambiguous(
      `${subject}: expected outputs apart, got ${other.output.path} of task ${other.name} and ${task.output.path} of task ${task.name}, which may be equal or nested; put {task} in the path`,
      { tasks: [other.name, task.name], paths: [other.output.path, task.output.path] },
    )
  })
}

/** Refuses two values of any width in one segment: `a-b-c` may be `a-b` and `c`, or `a` and `b-c`. */
function checkSegment(subject: string, task: TaskDefinition, segment: string): void {
  const params = placeholdersOf(segment).flatMap(name => task.params[name] ?? [])
  const free = params.filter(({ type }) => type === 'string' || type === 'integer' || type === 'float64')
  if (free.length < 2 || !free.some(({ type }) => type === 'string')) return
  throw ambiguous(
    `${subject}: output.path: expected / between parameters of any text, got ${segment}, which two sets of values could share`,
    { task: task.name, path: task.output.path },
  )
}

/** Returns whether some values make one path equal to, or a folder of, the other. Salts of two tasks differ. */
function mayMeet(one: TaskDefinition, other: TaskDefinition): boolean {
  const segmentsOfOne = one.output.path.split('/')
  const segmentsOfOther = other.output.path.split('/')
  const shared = Math.min(segmentsOfOne.length, segmentsOfOther.length)
  return segmentsOfOne
    .slice(0, shared)
    .every((segment, at) => segmentsMayEqual(pieceOf(segment, one), pieceOf(segmentsOfOther[at] ?? '', other)))
}

interface SegmentPiece {
  readonly prefix: string
  readonly suffix: string
  /** Matches every text that the segment can be. */
  readonly pattern: RegExp
  readonly isFixed: boolean
  readonly isSalted: boolean
}

function segmentsMayEqual(one: SegmentPiece, other: SegmentPiece): boolean {
  if (one.isSalted && other.isSalted) return false
  if (one.isFixed) return other.pattern.test(one.prefix)
  if (other.isFixed) return one.pattern.test(other.prefix)
  const prefixesMeet = one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)
  const suffixesMeet = one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix)
  return prefixesMeet && suffixesMeet
}

function pieceOf(segment: string, task: TaskDefinition): SegmentPiece {
  const tokens = templateTokens(segment.replaceAll('{task}', task.name))
  const first = tokens[0]
  const last = tokens.at(-1)
  return {
    prefix: first?.kind === 'text' ? first.text : '',
    suffix: last?.kind === 'text' ? last.text : '',
    pattern: new RegExp(`^${tokens.map(token => sourceOf(token, task)).join('')}$`),
    isFixed: tokens.every(token => token.kind === 'text'),
    isSalted: tokens.some(token => token.kind === 'placeholder' && token.name === 'salt'),
  }
}

function sourceOf(token: TemplateToken, task: TaskDefinition): string {
  if (token.kind === 'text') return escapeRegExp(token.text)
  const param = task.params[token.name]
  return param === undefined ? '.+' : valuePattern(param)
}

function valuePattern({ type, values = [] }: ParamDefinition): string {
  if (type === 'month') return '\\d{4}-\\d\\d'
  if (type === 'date') return '\\d{4}-\\d\\d-\\d\\d'
  if (type === 'timestamp') return '\\d{4}-\\d\\d-\\d\\dT.+'
  if (type === 'integer') return '-?\\d+'
  if (type === 'boolean') return '(?:true|false)'
  if (type === 'enumeration') return `(?:${values.map(escapeRegExp).join('|')})`
  return '.+'
}

function ambiguous(message: string, detail: Readonly<Record<string, unknown>>): PermanentError {
  return new PermanentError('OUTPUT_AMBIGUOUS', message, detail)
}
