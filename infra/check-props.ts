/** Refuses props at synthesis that AWS would refuse during the deployment. */
import { Token } from 'aws-cdk-lib'
import { invalidProp } from './invalid-prop.ts'
import type { PipelineProps } from './pipeline-options.ts'

/** @throws DEFINITION_INVALID with the prop, what was expected and what was received */
export function checkProps(props: PipelineProps): void {
  const { inputPrefix, outputPrefix, tiers, maxConcurrency, nodeConcurrency, functionTimeout, uploadWindow } = props
  const { noncurrentVersionExpiration, noRunAlarmAfter, reservedConcurrency = [] } = props
  checkPrefix('inputPrefix', inputPrefix)
  checkPrefix('outputPrefix', outputPrefix)
  if (tiers.length === 0) throw invalid('tiers', 'at least one', 'none')
  for (const [index, { memoryMb, threads, temporaryStorageMb }] of tiers.entries()) {
    checkWhole(`tiers[${index}].memoryMb`, memoryMb, { min: 512, max: 10_240 })
    checkWhole(`tiers[${index}].threads`, threads, { min: 1, max: 6 })
    checkWhole(`tiers[${index}].temporaryStorageMb`, temporaryStorageMb, { min: 512, max: 10_240 })
  }
  checkWhole('maxConcurrency', maxConcurrency, { min: 1, max: 10_000 })
  checkWhole('nodeConcurrency', nodeConcurrency, { min: 1, max: 500 })
  checkWhole('functionTimeout in seconds', functionTimeout.toSeconds(), { min: 30, max: 900 })
  checkWhole('uploadWindow in seconds', uploadWindow.toSeconds(), { min: 1, max: 300 })
  checkWhole('noncurrentVersionExpiration in days', noncurrentVersionExpiration.toDays({ integral: false }), {
    min: 1,
    max: 36_500,
  })
  checkWhole('noRunAlarmAfter in hours', noRunAlarmAfter?.toHours({ integral: false }), { min: 1, max: 168 })
  if (reservedConcurrency.length > tiers.length)
    throw invalid(
      'reservedConcurrency',
      `at most one for each of ${tiers.length} tiers`,
      `${reservedConcurrency.length}`,
    )
  for (const [index, reserved] of reservedConcurrency.entries())
    checkWhole(`reservedConcurrency[${index}]`, reserved, { min: 1, max: 10_000 })
}

function checkPrefix(name: string, prefix: string): void {
  if (prefix === '') return
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

const invalid = (prop: string, expected: string, received: string) => invalidProp(prop, `${expected}, got ${received}`)
