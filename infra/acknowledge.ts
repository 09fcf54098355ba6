/** Accepts findings of cdk-nag (AwsSolutions), each with its reason; without cdk-nag they are only notes. */
import { Stack, Validations } from 'aws-cdk-lib'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IConstruct } from 'constructs'

/** Accepts a finding; `rule` is without its pack, such as `S1`. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions-${rule}`, reason })
}

/** Accepts wildcards in the resources of these statements; one in any other statement is still found. */
export function acknowledgeWildcards(
  construct: IConstruct,
  statements: readonly PolicyStatement[],
  reason: string,
): void {
  const resources = statements.flatMap(statement => statement.resources)
  for (const resource of new Set(resources.map(arn => shown(construct, arn)))) {
    if (resource.includes('*')) acknowledge(construct, `IAM5[Resource::${resource}]`, reason)
  }
}

/** Writes an ARN as cdk-nag does: references in angle brackets. */
function shown(construct: IConstruct, arn: string): string {
  return flattened(Stack.of(construct).resolve(arn))
}

function flattened(value: unknown): string {
  if (typeof value === 'string') return value
  const {
    Ref: ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join,
  } = value as { Ref?: string; 'Fn::GetAtt'?: readonly string[]; 'Fn::Join'?: readonly [string, readonly unknown[]] }
  if (ref !== undefined) return `<${ref}>`
  if (attribute) return `<${attribute.join('.')}>`
  return join ? join[1].map(flattened).join(join[0]) : JSON.stringify(value)
}
