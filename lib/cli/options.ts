/** Adds the options that commands share, and parses their texts. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type OptionKind, readOption } from '../local/options/options.ts'
import { type FlagOption, runOptions } from '../local/options/run-options.ts'
import { readJsonObject } from './json-file.ts'
import { type SettingName, settings } from './settings.ts'

export interface CommandText {
  /** Name and arguments, as commander writes them: `head <dataset>`. */
  readonly usage: string
  /** One line for the help. */
  readonly description: string
  /** Command lines without the leading `fanmill`. */
  readonly examples: readonly string[]
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
  readonly debug?: boolean
}

/** Adds a command with the options that all have, and its examples at the end of its help. */
export function addCommand(program: Command, { usage, description, examples }: CommandText): Command {
  return program
    .command(usage)
    .description(description)
    .helpOption('-h, --help', 'print this help')
    .option('--json', 'print JSON on stdout instead of text')
    .option('--debug', 'print the stack of an error')
    .addHelpText('after', `\nExamples:\n${examples.map(example => `  fanmill ${example}`).join('\n')}`)
}

/** Flags of `--param` and `--param-file`. */
export interface ParamOptions {
  readonly param?: Readonly<Record<string, string>>
  readonly paramFile?: string
}

export function addParamOptions(command: Command): Command {
  return command
    .option('--param <name=value>', 'a parameter of the task; may be repeated', collect('name=value'))
    .option('--param-file <file>', 'a JSON object of parameters; --param wins over it')
}

/** Returns the arguments; undefined where there are none, which stands for all. */
export const someOf = (given: readonly string[]) => (given.length > 0 ? given : undefined)

/** Returns the parameters of both, as text or JSON values. @throws USAGE when the file holds no JSON object */
export function readParams({ param = {}, paramFile }: ParamOptions): Readonly<Record<string, unknown>> {
  return paramFile === undefined ? param : { ...readJsonObject(paramFile), ...param }
}

/** Creates the flag of an option, with its check. */
export function flagOption(declared: FlagOption, help = declared.help): Option {
  const option = new Option(declared.flag, help)
  return option.isBoolean() ? option : option.argParser(flagParser(declared))
}

/** Adds the flags of settings. */
export function addSettings(command: Command, ...names: readonly SettingName[]): Command {
  for (const name of names) command.addOption(flagOption(settings[name]))
  return command
}

/** Options that say which deployed pipeline is meant, as flags. */
export interface StackFlags {
  readonly stack?: string
  readonly pipeline?: string
}

/** Adds the options of commands about a deployed pipeline. */
export function addStackOptions(command: Command, help?: string): Command {
  command
    .addOption(flagOption(settings.stack, help))
    .option('--pipeline <name>', 'which of its pipelines, when the stack has several')
  return addSettings(command, 'profile', 'region')
}

/** Adds the options of commands about an output root: a folder, a bucket, or the output of a stack. */
export function addRootOptions(command: Command): Command {
  addSettings(command, 'output')
  return addStackOptions(command, 'CloudFormation stack of a deployed pipeline, in place of --output')
}

/** Adds the options that `run` and `plan` have: what is read, and how fast. */
export function addRunOptions(command: Command): Command {
  addSettings(addParamOptions(command), 'input', 'output', 'profile', 'region', 'workers', 'reads', 'memoryMb')
  return command.addOption(flagOption(runOptions.sample))
}

/** Parses a flag's text. @throws InvalidArgumentError, which names the flag */
export function flagParser(kind: OptionKind): (text: string) => unknown {
  return text => {
    const value = readOption(kind, text)
    if (value !== undefined) return value
    throw new InvalidArgumentError(`expected ${kind.expected}`)
  }
}

/** Parses `7d`, `12h` or `30m` into days. */
export function readDays(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([dhm])$/.exec(text) ?? []
  const perDay = unitsPerDay[unit]
  if (amount === undefined || perDay === undefined)
    throw new InvalidArgumentError('expected an age such as 7d, 12h or 30m')
  return Number(amount) / perDay
}

const unitsPerDay: Readonly<Record<string, number>> = { d: 1, h: 24, m: 1440 }

/** Returns a parser of a flag that may be repeated: each time it adds a value by its name. */
export function collect(form: 'name=value' | 'name=path') {
  return (text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
    const [name, ...rest] = text.split('=')
    const value = rest.join('=')
    const hint = form === 'name=value' ? '; --param-file takes a list of values' : ''
    const isWrong = !name || rest.length === 0 || (form === 'name=path' && value === '')
    if (isWrong) throw new InvalidArgumentError(`expected ${form}`)
    if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`expected each name once, got ${name} again${hint}`)
    return { ...before, [name]: value }
  }
}
