/** Reads the settings of this process from the command line, the environment, the nearest configuration file, and defaults, in this order. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Option } from 'commander'
import { PermanentError } from '../errors/errors.ts'
import { didYouMean } from '../errors/nearest.ts'
import { invalidOption, readOption, text } from '../local/options/options.ts'
import { type FlagOption, type RunOptions, runSettings } from '../local/options/run-options.ts'
import { parseStoreUrl } from '../store/store-url.ts'
import { defaultMemoryMb, defaultWorkers } from '../threads/pool/machine.ts'
import { readJsonObject } from './json-file.ts'

const configFileName = 'fanmill.config.json'

/** Every setting; `stack` is for commands about deployed pipelines. */
export const settings = {
  ...runSettings,
  stack: { ...text, flag: '--stack <name>', help: 'CloudFormation stack of the deployed pipeline' },
} satisfies Readonly<Record<string, FlagOption>>

export type SettingName = keyof typeof settings
const settingNames = Object.keys(settings) as readonly SettingName[]

export type Settings = Pick<RunOptions, keyof typeof runSettings> & { readonly stack?: string }

/** A setting's value, undefined when nothing sets it, and where it comes from. */
export interface Setting {
  readonly setting: SettingName
  readonly value: unknown
  readonly origin: Origin
  /** How the setting is called there: a flag, a variable, the path of the file. */
  readonly name: string
}

/** Origins of settings; an earlier one wins. */
export const origins = ['command line', 'environment', 'file', 'default'] as const
export type Origin = (typeof origins)[number]

/** A place that settings come from. */
interface Layer {
  readonly origin: Origin
  readonly value: (setting: SettingName) => unknown
  readonly name: (setting: SettingName) => string
}

/** Returns every setting with its value and origin; `flags` are commander's. @throws USAGE when a value does not fit */
export function readSettings(flags: Readonly<Record<string, unknown>>): readonly Setting[] {
  const layers = [commandLine(flags), environment, ...configFile(findConfigFile(process.cwd()))]
  const read = (setting: SettingName) => readSetting(setting, layers)
  const memoryMb = Number(read('memoryMb').value ?? defaultMemoryMb())
  const workers = Number(read('workers').value ?? defaultWorkers(memoryMb))
  const defaults = {
    input: '.',
    output: './out',
    workers,
    // From a disk, more reads than threads gain nothing.
    reads: parseStoreUrl(String(read('input').value ?? '.')) ? 2 * workers : workers,
    memoryMb,
    failFast: false,
    logLevel: 'info',
  }
  return settingNames.map(setting => {
    const found = read(setting)
    return found.value === undefined ? { ...found, value: (defaults as Settings)[setting] } : found
  })
}

/** Returns the settings of a run on this machine by name. Roots and workers are always set; other defaults are left to the library. */
export function readRunSettings(flags: Readonly<Record<string, unknown>>): RunSettings {
  const chosen = readSettings(flags).filter(({ origin, setting }) => {
    return setting !== 'stack' && (origin !== 'default' || ['input', 'output', 'workers'].includes(setting))
  })
  return settingValues(chosen) as RunSettings
}

export type RunSettings = Omit<Settings, 'stack'> & Required<Pick<Settings, 'input' | 'output' | 'workers'>>

/** Returns the values by name. */
export function settingValues(found: readonly Setting[]): Settings {
  return Object.fromEntries(found.map(({ setting, value }) => [setting, value]))
}

/** @throws USAGE when the value of the nearest layer does not fit */
function readSetting(setting: SettingName, layers: readonly Layer[]): Setting {
  const layer = layers.find(({ value }) => value(setting) !== undefined)
  if (!layer) return { setting, value: undefined, origin: 'default', name: 'default' }
  const name = layer.name(setting)
  const given = layer.value(setting)
  const value = readOption(settings[setting], given)
  if (value === undefined)
    throw invalidOption(layer.origin === 'file' ? `${name}: ${setting}` : name, settings[setting], given)
  return { setting, value, origin: layer.origin, name }
}

function commandLine({ keepGoing, ...flags }: Readonly<Record<string, unknown>>): Layer {
  const flagOf = (setting: SettingName): Option => new Option(settings[setting].flag)
  return {
    origin: 'command line',
    value: setting => {
      const value = flags[flagOf(setting).attributeName()]
      return setting === 'failFast' && keepGoing === true ? false : value
    },
    name: setting => flagOf(setting).long ?? setting,
  }
}

/** `rejectsMax` is `FANMILL_REJECTS_MAX`; an empty variable sets nothing. */
const environment: Layer = {
  origin: 'environment',
  value: setting => process.env[environment.name(setting)] || undefined,
  name: setting => `FANMILL_${setting.replace(/[A-Z]/g, '_$&').toUpperCase()}`,
}

function findConfigFile(folder: string): string | undefined {
  const path = join(folder, configFileName)
  if (existsSync(path)) return path
  return dirname(folder) === folder ? undefined : findConfigFile(dirname(folder))
}

/** Returns the settings of a file; relative folders in it start from where the file is. @throws USAGE for an unknown key, or a file that holds no JSON object */
function configFile(path: string | undefined): Layer[] {
  if (path === undefined) return []
  const values = readJsonObject(path)
  for (const key of Object.keys(values)) {
    if (key in settings) continue
    throw new PermanentError('USAGE', `${path}: unknown key "${key}"${didYouMean(key, settingNames)}`, { path, key })
  }
  const value = (setting: SettingName): unknown => {
    const given = values[setting]
    const isFolder =
      (setting === 'input' || setting === 'output') && typeof given === 'string' && !given.includes('://')
    return isFolder ? resolve(dirname(path), given) : given
  }
  return [{ origin: 'file', value, name: () => path }]
}
