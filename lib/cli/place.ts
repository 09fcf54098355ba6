/** What a command is about: an output root that is named, or the pipeline of a stack. */

import { PermanentError } from '../errors/errors.ts'
import type { ResolvedSetting, Settings } from '../local/config.ts'
import { settingValues } from '../local/config.ts'
import type { DeployedOptions } from '../local.ts'
import { loadLibrary } from './library.ts'
import type { StackFlags } from './options.ts'
import { readSettings } from './settings.ts'

/** How AWS is reached. */
type Access = Partial<Pick<Settings, 'profile' | 'region'>>

export interface Place {
  readonly output: string
  readonly access: Access
  /** Set when the stack decides. */
  readonly deployed?: DeployedOptions
}

/**
 * An output root or a stack, whichever is given nearest: command line, environment, file. In one place the output wins,
 * but on the command line, where both are refused.
 * @throws USAGE, and as `findPipeline`
 */
export async function readPlace(flags: Readonly<Record<string, unknown>>): Promise<Place> {
  const settings = readSettings(flags)
  const { output = './out' } = settingValues(settings)
  const access = pick(settingValues(settings))
  const deployed = isStackMeant(settings) ? stackOf(settings, flags) : undefined
  if (!deployed && (flags as StackFlags).pipeline !== undefined)
    throw new PermanentError('USAGE', 'expected --stack with --pipeline, got --pipeline alone')
  if (!deployed) return { output, access }
  const { findPipeline } = await loadLibrary()
  return { output: (await findPipeline(deployed)).output, access, deployed }
}

/** The stack of a command that is about nothing else. @throws USAGE when none is named */
export function readStack(flags: Readonly<Record<string, unknown>>): DeployedOptions {
  const deployed = stackOf(readSettings(flags), flags)
  if (deployed) return deployed
  const message =
    'expected --stack, FANMILL_STACK or "stack" in fanmill.config.json to name a CloudFormation stack, got none'
  throw new PermanentError('USAGE', message)
}

/** A dataset as it is named; with `--stack` its path is below the stack's output root. Other settings do not make a folder a bucket. */
export async function readDatasetPlace(
  dataset: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<{ readonly dataset: string; readonly access: Access }> {
  const { stack, pipeline } = flags as StackFlags
  if (stack === undefined && pipeline === undefined)
    return { dataset, access: pick(settingValues(readSettings(flags))) }
  if (dataset.includes('://') || /^[./]/.test(dataset)) {
    const message = `expected the path of a dataset below the output of stack ${stack}, such as flights, got ${dataset}`
    throw new PermanentError('USAGE', message)
  }
  const { output, access } = await readPlace(flags)
  return { dataset: `${output.replace(/\/$/, '')}/${dataset}`, access }
}

/** How to say on a command line which pipeline is meant. */
export function stackWords({ stack, pipeline }: DeployedOptions): string {
  return `--stack ${stack}${pipeline === undefined ? '' : ` --pipeline ${pipeline}`}`
}

const pick = ({ profile, region }: Partial<Settings>): Access => ({
  ...(profile !== undefined && { profile }),
  ...(region !== undefined && { region }),
})

const nearness = ['program', 'command line', 'environment', 'file', 'default']

function isStackMeant(settings: readonly ResolvedSetting[]): boolean {
  const [stack, output] = ['stack', 'output'].map(name => settings.find(({ setting }) => setting === name))
  if (stack?.value === undefined || output === undefined) return false
  if (stack.origin === 'command line' && output.origin === 'command line')
    throw new PermanentError('USAGE', 'expected --stack or --output, got both: a stack has an output of its own')
  return nearness.indexOf(stack.origin) < nearness.indexOf(output.origin)
}

function stackOf(settings: readonly ResolvedSetting[], { pipeline }: StackFlags): DeployedOptions | undefined {
  const { stack, profile, region } = settingValues(settings)
  return stack === undefined ? undefined : { stack, pipeline, profile, region }
}
