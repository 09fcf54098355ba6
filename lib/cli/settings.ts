/** The settings of this process: command line, then environment, then the nearest configuration file, then defaults. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ResolvedSetting, SettingLayer, SettingName, Settings } from '../local/config.ts'
import { environmentLayer, fileLayer, resolveSettings, settingValues } from '../local/config.ts'
import { defaultMemoryMb, defaultWorkers } from '../threads/machine.ts'

const configFileName = 'fanmill.config.json'

/** Every setting with its value and origin; `flags` are commander's options. @throws USAGE when a value does not fit. */
export function readSettings(flags: Readonly<Record<string, unknown>>): readonly ResolvedSetting[] {
  const file = findConfigFile(process.cwd())
  const layers = [commandLineLayer(flags), environmentLayer(process.env), ...(file ? [configFile(file)] : [])]
  const { memory = defaultMemoryMb(), workers = defaultWorkers(memory) } = settingValues(resolveSettings(layers))
  return resolveSettings([...layers, defaultLayer(workers, memory)])
}

/** The same as an object for a run here; roots are always there, other defaults are left to the library. */
export function readSettingValues(
  flags: Readonly<Record<string, unknown>>,
): Omit<Partial<Settings>, 'stack'> & Pick<Settings, 'input' | 'output'> {
  const {
    input = '.',
    output = './out',
    stack: _,
    ...rest
  } = settingValues(readSettings(flags).filter(({ setting, origin }) => origin !== 'default' || setting === 'workers'))
  return { input, output, ...rest }
}

function findConfigFile(folder: string): string | undefined {
  const path = join(folder, configFileName)
  if (existsSync(path)) return path
  return dirname(folder) === folder ? undefined : findConfigFile(dirname(folder))
}

/** Folders in the file are meant from where the file is, not from where the command is called. */
function configFile(path: string): SettingLayer {
  const layer = fileLayer(path, readFileSync(path, 'utf8'))
  const { input, output } = layer.values
  return { ...layer, values: { ...layer.values, input: fromFile(path, input), output: fromFile(path, output) } }
}

function fromFile(path: string, root: unknown): unknown {
  return typeof root !== 'string' || root.includes('://') ? root : resolve(dirname(path), root)
}

function commandLineLayer({ keepGoing, ...flags }: Readonly<Record<string, unknown>>): SettingLayer {
  const failFast = keepGoing === true ? false : flags.failFast
  return { origin: 'command line', values: { ...flags, failFast }, name: flagName }
}

function flagName(setting: SettingName): string {
  return `--${setting.replace(/[A-Z]/g, '-$&').toLowerCase()}`
}

function defaultLayer(workers: number, memory: number): SettingLayer {
  const values = {
    input: '.',
    output: './out',
    workers,
    reads: 2 * workers,
    memory,
    failFast: false,
    logLevel: 'info',
  }
  return { origin: 'default', values, name: () => 'default' }
}
