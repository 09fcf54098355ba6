/** The settings of a run and where each came from: program, command line, environment, file, default, in this order. */
import { closest } from 'fastest-levenshtein'
import { PermanentError } from '../errors/errors.ts'
import { type LogLevel, logLevels } from '../model/events.ts'

export interface Settings {
  readonly input: string
  readonly output: string
  /** Of the AWS configuration files. */
  readonly profile: string
  /** Of the buckets. */
  readonly region: string
  /** Key with which objects are encrypted that are written to S3. */
  readonly kmsKeyId: string
  /** CloudFormation stack of the deployed pipelines that commands are about. */
  readonly stack: string
  readonly workers: number
  readonly reads: number
  /** MB, of the whole process. */
  readonly memory: number
  readonly rejectsMax: number | `${number}%`
  readonly failFast: boolean
  readonly logLevel: LogLevel
}

export type SettingName = keyof Settings
export type SettingOrigin = 'program' | 'command line' | 'environment' | 'file' | 'default'

/** Values of one origin; `name` says how a setting is called there, for messages and for `fanmill config`. */
export interface SettingLayer {
  readonly origin: SettingOrigin
  readonly values: Readonly<Record<string, unknown>>
  readonly name: (setting: SettingName) => string
}

/** A setting as it is; `value` is undefined when nothing sets it. */
export interface ResolvedSetting {
  readonly setting: SettingName
  readonly value: Settings[SettingName] | undefined
  readonly origin: SettingOrigin
  readonly name: string
}

/** The value of every setting, taken from the first of `layers` that has it. @throws USAGE when a value does not fit. */
export function resolveSettings(layers: readonly SettingLayer[]): readonly ResolvedSetting[] {
  return settingNames.map(setting => {
    const layer = layers.find(({ values }) => values[setting] !== undefined)
    if (!layer) return { setting, value: undefined, origin: 'default', name: 'default' }
    const name = layer.name(setting)
    return { setting, value: parseSetting(setting, layer.values[setting], name), origin: layer.origin, name }
  })
}

/** The settings that are set, as one object. */
export function settingValues(resolved: readonly ResolvedSetting[]): Partial<Settings> {
  const isSet = resolved.filter(({ value }) => value !== undefined)
  return Object.fromEntries(isSet.map(({ setting, value }) => [setting, value]))
}

/** The name of the environment variable of a setting: `rejectsMax` is `FANMILL_REJECTS_MAX`. */
function environmentName(setting: SettingName): string {
  return `FANMILL_${setting.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

/** The settings among environment variables; an empty variable is as good as none. */
export function environmentLayer(environment: Readonly<Record<string, string | undefined>>): SettingLayer {
  const values = settingNames.map(setting => [setting, environment[environmentName(setting)] || undefined])
  return { origin: 'environment', values: Object.fromEntries(values), name: environmentName }
}

/** The settings of a configuration file from its text. @throws USAGE when it is no JSON object or has an unknown key. */
export function fileLayer(path: string, text: string): SettingLayer {
  const values = parseJsonObject(path, text)
  for (const key of Object.keys(values)) {
    if (settingNames.includes(key as SettingName)) continue
    const message = `unknown key "${key}" in ${path}; did you mean "${closest(key, settingNames)}"?`
    throw new PermanentError('USAGE', message, { path, key, known: settingNames })
  }
  return { origin: 'file', values, name: () => path }
}

/** An object from JSON text. @throws USAGE when it is something else, naming `path`. */
export function parseJsonObject(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PermanentError('USAGE', `expected JSON in ${path}: ${(cause as Error).message}`, { path }, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new PermanentError('USAGE', `expected a JSON object in ${path}, got ${JSON.stringify(value).slice(0, 80)}`, {
    path,
  })
}

/** A setting's value from text or JSON. @throws USAGE when it does not fit; `name` is what the user wrote it under. */
function parseSetting<Name extends SettingName>(setting: Name, value: unknown, name: string): Settings[Name] {
  const { expected, parse } = settingParsers[setting]
  const parsed = parse(typeof value === 'string' ? value.trim() : value)
  if (parsed !== undefined) return parsed as Settings[Name]
  throw new PermanentError('USAGE', `expected ${name} to be ${expected}, got ${JSON.stringify(value)}`, {
    setting,
    value,
  })
}

/** A whole number, or a share such as `0.5%`; undefined for anything else. */
export function parseShare(value: unknown): number | `${number}%` | undefined {
  if (typeof value === 'string' && /^\d+(\.\d+)?%$/.test(value)) {
    return Number(value.slice(0, -1)) <= 100 ? (value as `${number}%`) : undefined
  }
  return parseCount(value, 0)
}

/** A whole number of at least `min`; undefined for anything else. */
export function parseCount(value: unknown, min: number): number | undefined {
  const isText = typeof value === 'string' && /^\d+$/.test(value)
  const count = isText ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= min ? count : undefined
}

interface SettingParser {
  readonly expected: string
  readonly parse: (value: unknown) => unknown
}

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false }
const root: SettingParser = {
  expected: 'a folder or s3://bucket/prefix',
  parse: value => (typeof value === 'string' && value !== '' ? value : undefined),
}
const name: SettingParser = { ...root, expected: 'a name' }
const count: SettingParser = { expected: 'a whole number of at least 1', parse: value => parseCount(value, 1) }

const settingParsers: Readonly<Record<SettingName, SettingParser>> = {
  input: root,
  output: root,
  profile: name,
  region: name,
  kmsKeyId: name,
  stack: name,
  workers: count,
  reads: count,
  memory: { ...count, expected: 'a whole number of MB, at least 1' },
  rejectsMax: { expected: 'a count of rows or a share such as 0.5%', parse: parseShare },
  failFast: { expected: 'true or false', parse: value => booleans[String(value)] },
  logLevel: { expected: `one of ${logLevels.join(', ')}`, parse: value => logLevels.find(level => level === value) },
}

const settingNames = Object.keys(settingParsers) as readonly SettingName[]
