/** Shows a failure: one line with its code and how to fix it, details as small tables; and chooses the exit code. */
import { CommanderError } from 'commander'
import { isDefinitionFault } from '../../errors/definition-fault.ts'
import { type ErrorCode, type ErrorDetail, FanmillError, PermanentError, toPlain } from '../../errors/errors.ts'
import type { EndEvent } from '../../model/events.ts'
import type { Failure } from '../../model/outcome/outcome.ts'
import type { Reject } from '../../model/outcome/reject.ts'
import { systemFault } from '../../store/disk/fault.ts'
import { printJson, printToStderr, visible } from '../output.ts'
import { paint } from './colours.ts'
import { type FaultTable, failureTable, rejectTable } from './fault-tables.ts'
import { drawTable } from './table.ts'

export const exitCodes = { complete: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Returns the exit code of a failure: 2 for wrong usage or a wrong definition, 130 when interrupted, else 1. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof FanmillError ? error.code : undefined
  if (code === undefined) return exitCodes.failed
  if (code === 'ABORTED') return exitCodes.interrupted
  const isUsage = usageCodes.includes(code) || /^(DEFINITION|SQL|PARAM|GRAPH)_/.test(code)
  return isUsage ? exitCodes.usage : exitCodes.failed
}

/** Shows the error that ended the command, as `argv` says, and returns the exit code. */
export async function endWith(error: unknown, argv: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && isHelp(error))
    return error.exitCode === 0 ? exitCodes.complete : exitCodes.usage
  const failure = error instanceof CommanderError ? usageError(error) : (systemFault(error) ?? error)
  await explain(failure, { debug: argv.includes('--debug') })
  if (argv.includes('--json')) printJson(endEventOf(failure))
  return exitCodeOf(failure)
}

/** Creates the last event of `--json` for a run without a result. */
export function endEventOf(error: unknown): EndEvent {
  return { event: 'end', status: 'failed', tasks: [], error: errorFields(error) }
}

/** Returns code, message and detail of an error, for an event. */
export function errorFields(error: unknown): NonNullable<EndEvent['error']> {
  const { code, message, detail } = toPlain(error)
  return { code, message, detail }
}

/** Writes the failure to stderr: the line, then rejects, failures or a definition to paste from its detail. */
export async function explain(
  error: unknown,
  { debug = false, isDeployed = false }: { readonly debug?: boolean; readonly isDeployed?: boolean } = {},
): Promise<void> {
  const { code, message, detail } = toPlain(error)
  const [first = '', ...more] = message.split('\n')
  const advice =
    code === undefined
      ? 'this is a bug in fanmill; --debug shows where'
      : isDeployed
        ? deployedAdvice(code, detail)
        : advices[code]
  printToStderr(
    `${paint('red', `fanmill: ${code ?? 'INTERNAL'}`, process.stderr)} ${visible(first)}${advice ? `; ${advice}` : ''}`,
  )
  for (const line of more) printToStderr(`  ${visible(line)}`)
  if (error instanceof FanmillError) await explainDetail(error.detail)
  if (debug && error instanceof Error) printToStderr(stacks(error))
}

const usageCodes: readonly ErrorCode[] = ['USAGE', 'TASK_UNKNOWN', 'OUTPUT_AMBIGUOUS', 'COLUMNS_MISSING']

const advices: Partial<Record<ErrorCode, string>> = {
  ABORTED: 'the same command resumes it',
  REJECTS_OVER_LIMIT: 'on the command line: --rejects-max n|p%',
}

/** Retrying repeats code that was deployed, which has to be corrected and deployed first where it is what failed. */
function deployedAdvice(code: ErrorCode, { failures }: ErrorDetail = {}): string | undefined {
  const [first] = isList(failures) ? (failures as readonly Failure[]) : []
  return code === 'BATCHES_FAILED' && !isDefinitionFault(first?.code)
    ? 'fanmill retry repeats only the batches that failed'
    : undefined
}

/** Returns code and message of a failure in one text; it may have no code. */
export const failureText = ({
  code,
  message,
}: {
  readonly code?: string | undefined
  readonly message: string
}): string => [code, message].filter(Boolean).join(' ')

/** Limit on the rows of a table in an error; the others are counted. */
const rowsShownMax = 10

async function explainDetail(detail: FanmillError['detail']): Promise<void> {
  const { rejects, failures, received, source } = detail
  if (typeof received === 'string') printToStderr(visible(`  received: ${received}`))
  if (isList(rejects)) explainTable(rejectTable(rejects as readonly Reject[]))
  if (isList(failures)) explainTable(failureTable(failures as readonly Failure[]))
  if (typeof source === 'string' && source.includes('\n')) printToStderr(source)
}

function explainTable({ titles, rows, numbers }: FaultTable): void {
  printToStderr(drawTable(titles, rows.slice(0, rowsShownMax), { numbers, stream: process.stderr }))
  if (rows.length > rowsShownMax) printToStderr(`and ${rows.length - rowsShownMax} more`)
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'object' && item !== null)
}

function isHelp({ code }: CommanderError): boolean {
  return code === 'commander.helpDisplayed' || code === 'commander.help' || code === 'commander.version'
}

/** Converts commander's message, such as `error: unknown option '--worker'\n(Did you mean --workers?)`, to one line. */
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
