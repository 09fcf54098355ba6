/** Finds the output root that a command is about: a named one, or that of a deployed pipeline. */

import type { DeployedOptions } from '../deployed/deployed.ts'
import { PermanentError } from '../errors/errors.ts'
import type { RootAccess } from '../store/roots.ts'
import type { StackFlags } from './options.ts'
import { origins, readSettings, type Setting, settingValues } from './settings.ts'

export interface Place {
  readonly output: string
  readonly access: RootAccess
  /** The deployed pipeline, when a stack is named. */
  readonly deployed?: DeployedOptions
}

/**
 * Returns the output root or the stack, whichever comes from the nearer origin: command line, environment, file. Of one origin the output
 * wins, except on the command line, where both are refused.
 * @throws USAGE, and as `findPipeline`
 */
export async function readPlace(flags: Readonly<Record<string, unknown>>): Promise<Place> {
  const settings = readSettings(flags)
  const { output = './out' } = settingValues(settings)
  const access = accessOf(settings)
  const deployed = isStackMeant(settings) ? stackOf(settings, flags) : undefined
  if (!deployed && (flags as StackFlags).pipeline !== undefined)
    throw new PermanentError('USAGE', 'expected --stack with --pipeline, got --pipeline alone')
  if (!deployed) return { output, access }
  const { findPipeline } = await import('../deployed/deployed.ts')
  return { output: (await findPipeline(deployed)).output, access, deployed }
}

/** Returns the deployed pipeline of a command that needs one. @throws USAGE when no stack is named */
export function readStack(flags: Readonly<Record<string, unknown>>): DeployedOptions {
  const deployed = stackOf(readSettings(flags), flags)
  if (deployed) return deployed
  const message =
    'expected --stack, FANMILL_STACK or "stack" in fanmill.config.json to name a CloudFormation stack, got none'
  throw new PermanentError('USAGE', message)
}

/** Returns the dataset as it is named; with `--stack` its path starts from the stack's output root. A stack of other origins is ignored. */
export async function readDatasetPlace(dataset: string, flags: Readonly<Record<string, unknown>>) {
  const { stack, pipeline } = flags as StackFlags
  if (stack === undefined && pipeline === undefined) return { dataset, access: accessOf(readSettings(flags)) }
  if (dataset.includes('://') || /^[./]/.test(dataset)) {
    const message = `expected the path of a dataset below the output of stack ${stack}, such as flights, got ${dataset}`
    throw new PermanentError('USAGE', message)
  }
  const { output, access } = await readPlace(flags)
  return { dataset: `${output.replace(/\/$/, '')}/${dataset}`, access }
}

/** Returns the flags that name a deployed pipeline. */
export function stackFlags({ stack, pipeline }: DeployedOptions): string {
  return `--stack ${stack}${pipeline === undefined ? '' : ` --pipeline ${pipeline}`}`
}

function accessOf(settings: readonly Setting[]): RootAccess {
  const { profile, region } = settingValues(settings)
  return { profile, region }
}

function isStackMeant(settings: readonly Setting[]): boolean {
  const [stack, output] = ['stack', 'output'].map(name => settings.find(({ setting }) => setting === name))
  if (stack?.value === undefined || output === undefined) return false
  if (stack.origin === 'command line' && output.origin === 'command line')
    throw new PermanentError('USAGE', 'expected --stack or --output, got both: a stack has an output of its own')
  return origins.indexOf(stack.origin) < origins.indexOf(output.origin)
}

function stackOf(settings: readonly Setting[], { pipeline }: StackFlags): DeployedOptions | undefined {
  const { stack, profile, region } = settingValues(settings)
  return stack === undefined ? undefined : { stack, pipeline, profile, region }
}
