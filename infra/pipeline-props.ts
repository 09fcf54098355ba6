/** Refuses props that only AWS would refuse, later. */
import { type Duration, Token } from 'aws-cdk-lib'
import { PermanentError } from '../lib/errors/errors.ts'
import type { FanmillPipelineProps } from './fanmill-pipeline.ts'
import { modestTiers } from './tiers.ts'

/** @throws DEFINITION_INVALID naming the prop, what was expected and what came */
export function checkProps(props: FanmillPipelineProps): void {
  const { inputPrefix, outputPrefix, tiers, maxConcurrency, functionTimeout, uploadWindow } = props
  const { noncurrentVersionExpiration, noRunAlarmAfter, reservedConcurrency = [] } = props
  checkPrefix('inputPrefix', inputPrefix)
  checkPrefix('outputPrefix', outputPrefix)
  if (tiers?.length === 0) throw invalid('tiers', 'at least one', 'none')
  for (const [index, { memoryMb, threads, temporaryStorageMb }] of (tiers ?? []).entries()) {
    checkWhole(`tiers[${index}].memoryMb`, memoryMb, { min: 512, max: 10_240 })
    checkWhole(`tiers[${index}].threads`, threads, { min: 1, max: 6 })
    checkWhole(`tiers[${index}].temporaryStorageMb`, temporaryStorageMb, { min: 512, max: 10_240 })
  }
  checkWhole('maxConcurrency', maxConcurrency, { min: 1, max: 10_000 })
  checkWhole('functionTimeout in seconds', functionTimeout?.toSeconds(), { min: 30, max: 900 })
  checkWhole('uploadWindow in seconds', uploadWindow?.toSeconds(), { min: 1, max: 300 })
  checkWhole('noncurrentVersionExpiration in days', daysOf(noncurrentVersionExpiration), { min: 1, max: 36_500 })
  checkWhole('noRunAlarmAfter in hours', noRunAlarmAfter?.toHours({ integral: false }), { min: 1, max: 168 })
  const tierCount = (tiers ?? modestTiers).length
  if (reservedConcurrency.length > tierCount)
    throw invalid('reservedConcurrency', `at most one for each of ${tierCount} tiers`, `${reservedConcurrency.length}`)
  for (const [index, reserved] of reservedConcurrency.entries())
    checkWhole(`reservedConcurrency[${index}]`, reserved, { min: 1, max: 10_000 })
}

const daysOf = (time: Duration | undefined): number | undefined => time?.toDays({ integral: false })

function checkPrefix(name: string, prefix: string | undefined): void {
  if (prefix === undefined || prefix === '') return
  if (Token.isUnresolved(prefix))
    throw invalid(name, 'a text that is known at synthesis, because roles and the trigger depend on it', 'a token')
  if (!/^[^/*?$][^*?$]*\/$/.test(prefix))
    throw invalid(name, 'a prefix that ends in a slash and begins with none, without * ? $', JSON.stringify(prefix))
}

function checkWhole(
  name: string,
  value: number | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return
  throw invalid(name, `a whole number from ${min} to ${max}`, String(value))
}

function invalid(prop: string, expected: string, got: string): PermanentError {
  return new PermanentError('DEFINITION_INVALID', `FanmillPipeline: ${prop}: expected ${expected}, got ${got}`, {
    prop,
  })
}
