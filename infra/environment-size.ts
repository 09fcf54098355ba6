/** Refuses an environment at synthesis that AWS would refuse during the deployment. */
import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { PermanentError } from '../lib/errors/errors.ts'

/** @throws DEFINITION_INVALID with the variable that is longest */
export function checkEnvironment(scope: Construct, environment: Readonly<Record<string, string>>): void {
  const sizes = Object.entries(environment).map(([name, value]) => ({
    name,
    bytes: name.length + bytesOf(Stack.of(scope).resolve(value)),
  }))
  const bytes = sizes.reduce((sum, each) => sum + each.bytes, 0)
  if (bytes <= bytesMax) return
  const largest = sizes.reduce((most, each) => (each.bytes > most.bytes ? each : most))
  const advice =
    'give fewer secrets as a prop (those with the key that AWS manages are found by name), or shorter prefixes'
  const message = `FanmillPipeline: expected at most ${bytesMax} bytes of environment in a function, got ${bytes}, most of them ${largest.name}; ${advice}`
  throw new PermanentError('DEFINITION_INVALID', message, { bytes, largest: largest.name })
}

/** Limit of Lambda for names and values together. @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const bytesMax = 4096
/** Assumed length of a value that is known only after deployment: generated names of buckets have about 40 bytes, ARNs more. */
const referenceBytes = 40

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  const { 'Fn::Join': join } = value as { 'Fn::Join'?: readonly [string, readonly unknown[]] }
  return join ? join[1].reduce((sum: number, each) => sum + bytesOf(each), 0) : referenceBytes
}
