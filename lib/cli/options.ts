/** Options that commands share, and how their texts are read. */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { PermanentError } from '../errors/errors.ts'
import { parseCount, parseJsonObject, parseShare } from '../local/config.ts'
import { logLevels } from '../model/events.ts'

export interface CommandText {
  /** Name and arguments, as commander writes them: `head <dataset>`. */
  readonly usage: string
  /** One line. */
  readonly description: string
  /** Without the leading `fanmill`. */
  readonly examples: readonly string[]
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly debug?: boolean
}

/** A new command with the options that all have, and its examples at the end of its help. */
export function addCommand(program: Command, { usage, description, examples }: CommandText): Command {
  return program
    .command(usage)
    .description(description)
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print JSON on stdout instead of text')
    .option('--debug', 'print the stack of an error')
    .addHelpText('after', `\nExamples:\n${examples.map(example => `  fanmill ${example}`).join('\n')}`)
}

/** What `--param` and `--param-file` give, as flags. */
export interface ParamOptions {
  readonly param?: Readonly<Record<string, string>>
  readonly paramFile?: string
}

export function addParamOptions(command: Command): Command {
  return command
    .option('--param <name=value>', 'a parameter of the task; may be repeated', collectParam)
    .option('--param-file <file>', 'a JSON object of parameters; --param wins over it')
}

/** The parameters of both, as text or JSON values. @throws USAGE when the file is no JSON object. */
export function readParams({ param = {}, paramFile }: ParamOptions): Readonly<Record<string, unknown>> {
  if (paramFile === undefined) return param
  return { ...parseJsonObject(paramFile, readText(paramFile)), ...param }
}

export function addInputOption(command: Command): Command {
  return command.option(
    '--input <root>',
    'folder or s3://bucket/prefix that paths of sources and tables start from (default: .)',
  )
}

export function addOutputOption(command: Command): Command {
  return command.option(
    '--output <root>',
    'folder or s3://bucket/prefix that paths of outputs start from (default: ./out)',
  )
}

/** How AWS is reached. */
export function addS3Options(command: Command): Command {
  return command
    .option('--profile <name>', 'profile of the AWS configuration files (default: as the AWS SDK finds credentials)')
    .option('--region <name>', 'region of the buckets (default: as the AWS SDK finds it)')
}

/** Which deployed pipeline is meant, as flags. */
export interface StackFlags {
  readonly stack?: string
  readonly pipeline?: string
}

/** For commands about what is deployed. */
export function addStackOptions(command: Command, what = 'CloudFormation stack of the deployed pipeline'): Command {
  return command
    .option('--stack <name>', what)
    .option('--pipeline <name>', 'which of its pipelines, when the stack has several')
}

/** For commands about an output root: of a folder or a bucket, or of what is deployed. */
export function addRootOptions(command: Command): Command {
  addStackOptions(addOutputOption(command), 'CloudFormation stack of a deployed pipeline, in place of --output')
  return addS3Options(command)
}

export function addWorkersOption(command: Command): Command {
  return command.option(
    '--workers <n>',
    'threads that compute (default: the CPUs this process may use)',
    countParser(1),
  )
}

/** Options that decide what a run takes and how fast it goes; `run` and `plan` have them. */
export function addRunOptions(command: Command): Command {
  addParamOptions(command)
  addInputOption(command)
  addOutputOption(command)
  addS3Options(command)
  addWorkersOption(command)
  return command
    .option('--reads <n>', 'reads in flight (default: 2 × workers; from a disk, as many as workers)', countParser(1))
    .option(
      '--memory <mb>',
      'MB shared out to all workers; too few are refused (default: 70 % of what there is)',
      countParser(1),
    )
    .option('--sample <n|p%>', 'only so many members, or this share; written to .fanmill/sample', readShare)
}

/** `--log-level`, refused when it is none of the levels. */
export function addLogLevelOption(command: Command): Command {
  return addLevelOption(command, '--log-level', 'least level of messages that are shown')
}

/** An option that takes a level. */
export function addLevelOption(command: Command, flag: `--${string}`, what: string): Command {
  const option = new Option(`${flag} <level>`, `${what} (default: info)`)
  return command.addOption(option.choices(logLevels))
}

/** Reads a whole number of at least `min`. */
export function countParser(min: number): (text: string) => number {
  return text => {
    const count = parseCount(text, min)
    if (count !== undefined) return count
    throw new InvalidArgumentError(`expected a whole number of at least ${min}`)
  }
}

/** Reads a count or a share such as `5%`. */
export function readShare(text: string): number | `${number}%` {
  const share = parseShare(text)
  if (share !== undefined) return share
  throw new InvalidArgumentError('expected a count or a share such as 5%')
}

/** Reads `a,b` as its parts. */
export function readNames(text: string): readonly string[] {
  return text.split(',').map(name => name.trim())
}

/** Reads `7d`, `12h` or `30m` as days. */
export function readDays(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([dhm])$/.exec(text) ?? []
  const perDay = unitsPerDay[unit]
  if (amount === undefined || perDay === undefined)
    throw new InvalidArgumentError('expected an age such as 7d, 12h or 30m')
  return Number(amount) / perDay
}

const unitsPerDay: Readonly<Record<string, number>> = { d: 1, h: 24, m: 1440 }

function collectParam(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('expected name=value')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new PermanentError(
      'USAGE',
      `expected a readable file, got ${path}: ${(cause as Error).message}`,
      { path },
      { cause },
    )
  }
}
