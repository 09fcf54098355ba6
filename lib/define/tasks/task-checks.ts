/** Checks a task's options against each other. */
import { engineName } from '../../errors/engine-name.ts'
import { didYouMean } from '../../errors/nearest.ts'
import { invalid } from '../check.ts'
import { checkNamesInFile } from '../columns/check-names.ts'
import { hiveNamesOf, mayHaveMoreHive } from '../columns/hive-names.ts'
import type { ColumnDefinition, Columns, TaskDefinition } from '../definition.ts'
import { formatKind, mayLeaveOut } from '../formats/format-kind.ts'
import { layoutOf } from '../outputs/output-kind.ts'
import { checkOutputPath } from '../outputs/output-paths.ts'
import { formatCalls } from '../schemas.ts'
import { datasetSource, datasetsAt, sourcePaths } from '../sources/source-paths.ts'
import { checkExchanges, columnsAfterExchange } from '../steps/exchange-checks.ts'
import { placeholdersOf, templateTokens } from '../template-syntax.ts'
import { isExchanging } from './task-stages.ts'

/** The most columns that a task declares. Time grows with their square: 5,000 take a dozen seconds, 10,000 about a minute. */
export const columnCountMax = 10_000

/** @throws DEFINITION_INVALID, or OUTPUT_AMBIGUOUS, when the options contradict each other */
export function checkTask(subject: string, task: TaskDefinition): void {
  checkTemplates(subject, task)
  if (layoutOf(task.output)) checkReading(subject, task)
  else checkExtraction(subject, task)
  checkColumnUse(subject, task)
  checkExchanges(subject, task)
  checkOutputPath(subject, task)
}

/** Checks that every placeholder is a parameter, and that text stands between two of them, so that a path can be parsed again. */
function checkTemplates(subject: string, task: TaskDefinition): void {
  const { source, output, tables } = task
  const params = Object.keys(task.params)
  for (const path of sourcePaths(source)) checkTemplate(`${subject}: source.paths`, path, params)
  for (const { path } of datasetsAt(source)) checkTemplate(`${subject}: partitionsOf.path`, path, params)
  for (const [name, { path }] of Object.entries(tables))
    if (path !== undefined) checkTemplate(`${subject}: tables.${name}.path`, path, params)
  checkTemplate(`${subject}: output.path`, output.path, [...params, 'task', 'salt'])
}

/** @throws DEFINITION_INVALID when a placeholder is none of these names, or touches another */
export function checkTemplate(where: string, template: string, names: readonly string[]): void {
  const unknown = placeholdersOf(template).find(name => !names.includes(name))
  if (unknown !== undefined) {
    const known =
      names.length === 0 ? 'no placeholder, as there are no parameters' : `a placeholder of ${names.join(', ')}`
    throw invalid(where, `expected ${known}, got {${unknown}}${didYouMean(unknown, names)}`)
  }
  const tokens = templateTokens(template)
  const touching = tokens.findIndex((token, at) => token.kind !== 'text' && tokens[at + 1]?.kind === 'placeholder')
  if (touching >= 0) throw invalid(where, `expected text between two placeholders, got ${template}`)
}

function checkExtraction(subject: string, task: TaskDefinition): void {
  if (task.source.kind !== 'zipMembers')
    throw invalid(
      `${subject}: source`,
      `expected zipMembers({ … }), as output is memberFiles, got ${task.source.kind}(…)`,
    )
  const extra = Object.entries(readingOptions(task)).find(([, isGiven]) => isGiven)
  if (extra !== undefined)
    throw invalid(`${subject}: ${extra[0]}`, 'expected none, as memberFiles extracts members as they are')
}

/** Returns which of the options are given that only count when rows are read. */
function readingOptions(task: TaskDefinition): Readonly<Record<string, boolean>> {
  return {
    columns: task.columns !== undefined,
    transform: task.transform.length > 0,
    where: task.where !== undefined,
    checks: task.checks !== undefined,
    tables: Object.keys(task.tables).length > 0,
    provenance: task.provenance.length > 0,
    setup: task.setup !== undefined,
    secrets: task.secrets !== undefined,
    rejects: task.rejects.max !== 0,
    strict: !task.strict,
    onNewColumn: task.onNewColumn !== 'ignore',
    onMissingColumn: task.onMissingColumn !== missingByDefault(task.source),
  }
}

function checkReading(subject: string, task: TaskDefinition): void {
  const { source, columns } = task
  if (datasetSource(source)?.columns && columns)
    throw invalid(`${subject}: columns`, `expected columns in the task or in ${source.kind}, got both; leave one out`)
  if (source.kind === 'joinOf') checkJoin(subject, task)
  if (source.format === undefined) throw invalid(`${subject}: source.format`, `expected ${formatCalls}, got nothing`)
  checkColumnCount(subject, Object.keys(columns ?? {}).length)
  const { kind } = source.format
  checkNamesInFile(subject, columns ?? {}, source.format)
  const renamed = Object.entries(columns ?? {}).find(([, { from }]) => from && datasetSource(source))
  if (renamed)
    throw invalid(
      `${subject}: columns.${renamed[0]}.from`,
      `expected none, as a dataset has one name of each column; rename it in SQL`,
    )
  if (mayLeaveOut(source) && columns === undefined)
    throw invalid(`${subject}: columns`, `expected columns by name, as ${kind} has no header, got nothing`)
  if (mayLeaveOut(source) && task.onMissingColumn === 'fail')
    throw invalid(
      `${subject}: onMissingColumn`,
      `expected 'null', as a row of ${kind} may leave keys out, got 'fail'; make the column required, and rows without it are rejects`,
    )
  const binary = kind === 'avro' ? binaryColumn(columns ?? {}) : undefined
  if (binary !== undefined)
    throw invalid(
      `${subject}: columns.${binary}`,
      'expected another type than binary, as bytes of Avro are read as base64; declare column.string(), and decode it in SQL with from_base64',
    )
  const groups = formatKind(source.format).ownColumns
  if (groups) checkGroups(subject, Object.keys(columns ?? {}), { groups, source })
}

function binaryColumn(columns: Columns): string | undefined {
  const isBinary = ({ type, items, fields = {} }: ColumnDefinition): boolean =>
    type === 'binary' || (items !== undefined && isBinary(items)) || Object.values(fields).some(isBinary)
  return Object.entries(columns).find(([, column]) => isBinary(column))?.[0]
}

/** The rows of a join are made of rows that were checked when they were written, and are of no record. */
function checkJoin(subject: string, task: TaskDefinition): void {
  const given = { columns: task.columns, checks: task.checks, provenance: task.provenance.length > 0 || undefined }
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? []
  if (name !== undefined)
    throw invalid(
      `${subject}: ${name}`,
      `expected none, as the rows of joinOf have the columns of its sides, got ${name}; choose columns of a side with partitionsOf(side, { columns }), or add a step in SQL`,
    )
}

function checkColumnCount(subject: string, columnCount: number): void {
  if (columnCount <= columnCountMax) return
  const limit = columnCountMax.toLocaleString('en-US')
  throw invalid(
    `${subject}: columns`,
    `expected at most ${limit} columns, got ${columnCount.toLocaleString('en-US')}; declare those that you need, and the others of the file are not read`,
    { columnCount, columnCountMax },
  )
}

/** Returns the default of `onMissingColumn`: a row of JSON lines may leave keys out, a header may not. */
export const missingByDefault = (source: TaskDefinition['source']): TaskDefinition['onMissingColumn'] =>
  mayLeaveOut(source) ? 'null' : 'fail'

function checkGroups(
  subject: string,
  columns: readonly string[],
  { groups, source }: { readonly groups: readonly string[]; readonly source: TaskDefinition['source'] },
): void {
  const inPath = hiveNamesOf(source)
  const extra = mayHaveMoreHive(source)
    ? undefined
    : columns.find(name => !groups.includes(name) && !inPath.includes(name))
  if (extra !== undefined)
    throw invalid(
      `${subject}: columns.${extra}`,
      `expected the named groups ${groups.join(', ')}, got ${extra}${didYouMean(extra, groups)}`,
    )
  const missing = groups.find(name => !columns.includes(name))
  if (missing !== undefined)
    throw invalid(`${subject}: columns`, `expected the named groups ${groups.join(', ')}, got no ${missing}`)
}

function checkColumnUse(subject: string, task: TaskDefinition): void {
  const taken = task.provenance.find(name => task.columns?.[name] !== undefined)
  if (taken !== undefined)
    throw invalid(`${subject}: provenance`, `expected names that columns does not use, got ${taken} in both`)
}

/**
 * Checks the columns that the output uses, where they are known before SQL is prepared.
 * @throws DEFINITION_INVALID for one that the rows do not have, or when no column is left for the files
 */
export function checkOutputColumns(task: TaskDefinition): void {
  const subject = `task ${task.name}`
  const known = columnsAfter(task)
  const layout = layoutOf(task.output)
  if (known === undefined || !layout) return
  const lower = known.map(engineName)
  const used = { partitionBy: layout.partitionBy, sortBy: layout.sortBy, bucketBy: layout.bucketBy?.columns ?? [] }
  for (const [option, names] of Object.entries(used)) {
    const unknown = names.find(name => !lower.includes(engineName(name)))
    if (unknown !== undefined)
      throw invalid(
        `${subject}: output.${option}`,
        `expected columns of ${known.join(', ')}, got ${unknown}${didYouMean(unknown, known)}`,
      )
  }
  if (layout.partitionBy.length >= known.length)
    throw invalid(`${subject}: output.partitionBy`, 'expected a column that is left for the files, got all of them')
}

/** Returns the columns that reach the output, or undefined when they are not known before SQL is prepared. */
function columnsAfter(task: TaskDefinition): string[] | undefined {
  if (task.columns === undefined || task.onNewColumn === 'keep' || mayHaveMoreHive(task.source)) return undefined
  let known = [...Object.keys(task.columns), ...hiveNamesOf(task.source), ...task.provenance]
  for (const step of task.transform) {
    if (isExchanging(step)) known = columnsAfterExchange(step, known)
    else if (typeof step === 'function' || !('adds' in step)) return undefined
    else known.push(...Object.keys(step.adds))
  }
  return [...new Set(known)]
}
