/** What a failure looks like: one line with its code and how to mend it, the facts as small tables, an exit code. */
import { CommanderError } from 'commander'
import { type ErrorCode, FanmillError, PermanentError, toPlain } from '../errors/errors.ts'
import type { EndEvent } from '../model/events.ts'
import type { Failure } from '../model/outcome.ts'
import type { Reject } from '../model/reject.ts'
import { systemFault } from '../store/disk/fault.ts'
import { paint } from './colours.ts'
import { type FaultTable, failureTable, rejectTable } from './fault-tables.ts'
import { printJson, remark, visible } from './output.ts'
import { drawTable } from './table.ts'

export const exitCodes = { complete: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** The exit code of a failure: 2 where the user's words are wrong, 130 when interrupted, else 1. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof FanmillError ? error.code : undefined
  if (code === undefined) return exitCodes.failed
  if (code === 'ABORTED') return exitCodes.interrupted
  const isUsage = usageCodes.includes(code) || /^(DEFINITION|SQL)_/.test(code)
  return isUsage ? exitCodes.usage : exitCodes.failed
}

/** Shows what ended the command, as `argv` asks for it, and gives the exit code. */
export async function endWith(error: unknown, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && isHelp(error))
    return error.exitCode === 0 ? exitCodes.complete : exitCodes.usage
  const failure = error instanceof CommanderError ? usageError(error) : (systemFault(error) ?? error)
  await explain(failure, { debug: argv.includes('--debug') })
  if (argv.includes('--json')) printJson(endEventOf(failure))
  return exitCodeOf(failure)
}

/** The last line of `--json` for a run that gave no result. */
export function endEventOf(error: unknown): EndEvent {
  return { event: 'end', status: 'failed', tasks: [], error: errorFields(error) }
}

/** Code, message and detail of an error, for an event. */
export function errorFields(error: unknown): NonNullable<EndEvent['error']> {
  const { code, message, detail } = toPlain(error)
  return { ...(code && { code }), message, ...(detail && { detail }) }
}

/** Writes the failure to stderr: the line, then rejects, failures or a definition to paste from its detail. */
export async function explain(
  error: unknown,
  { debug = false, isDeployed = false }: { readonly debug?: boolean; readonly isDeployed?: boolean } = {},
): Promise<void> {
  const { code, message } = toPlain(error)
  const [first = '', ...more] = message.split('\n')
  const advice =
    code === undefined
      ? 'this is a fault of the program; --debug shows where'
      : (isDeployed ? deployedAdvices : advices)[code]
  remark(
    `${paint('red', `fanmill: ${code ?? 'INTERNAL'}`, process.stderr)} ${visible(first)}${advice ? `; ${advice}` : ''}`,
  )
  for (const line of more) remark(`  ${visible(line)}`)
  if (error instanceof FanmillError) await explainDetail(error.detail)
  if (debug && error instanceof Error) remark(stacks(error))
}

const usageCodes: readonly ErrorCode[] = [
  'USAGE',
  'PARAM_INVALID',
  'TASK_UNKNOWN',
  'OUTPUT_AMBIGUOUS',
  'COLUMNS_MISSING',
]

const advices: Partial<Record<ErrorCode, string>> = {
  ABORTED: 'the same command resumes it',
  REJECTS_OVER_LIMIT: 'on the command line: --rejects-max n|p%',
  BATCHES_FAILED: 'the same command does again only what failed',
}

const deployedAdvices: Partial<Record<ErrorCode, string>> = {
  BATCHES_FAILED: 'fanmill retry does again only what failed',
}

/** Rows of a table in an error; the rest is counted. */
const rowsShownMax = 10

async function explainDetail(detail: FanmillError['detail']): Promise<void> {
  const { rejects, failures, source } = detail
  if (isList(rejects)) await explainTable(rejectTable(rejects as readonly Reject[]))
  if (isList(failures)) await explainTable(failureTable(failures as readonly Failure[]))
  if (typeof source === 'string' && source.includes('\n')) remark(source)
}

async function explainTable({ titles, rows, numbers }: FaultTable): Promise<void> {
  remark(await drawTable(titles, rows.slice(0, rowsShownMax), { numbers, stream: process.stderr }))
  if (rows.length > rowsShownMax) remark(`and ${rows.length - rowsShownMax} more`)
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'object' && item !== null)
}

function isHelp({ code }: CommanderError): boolean {
  return code === 'commander.helpDisplayed' || code === 'commander.help' || code === 'commander.version'
}

/** Commander says `error: unknown option '--worker'\n(Did you mean --workers?)`. */
function usageError(error: CommanderError): PermanentError {
  const text = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.+)\?\)/, '; did you mean $1?')
  const line = text.replaceAll(/\s*\n\s*/g, ' ').replace(/\.$/, '')
  const advice = line.includes('did you mean') ? '' : '; see "fanmill --help"'
  return new PermanentError('USAGE', `${line}${advice}`, { reason: error.code })
}

function stacks(error: Error): string {
  const own = error.stack ?? String(error)
  return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own
}
