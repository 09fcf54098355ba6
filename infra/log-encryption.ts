/** The key that encrypts the log groups of a pipeline, and the right of CloudWatch Logs to use it. */
import { Annotations, Aws, Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'

/** Props of the construct for its logs. */
export interface LogEncryptionProps {
  /**
   * Encrypts the log groups of the functions, and of the state machine where it logs. The policy of a key of the app is
   * completed; a key that was only looked up must allow CloudWatch Logs already.
   * @default the key that CloudWatch Logs manages
   * @example new Key(this, 'LogKey', { enableKeyRotation: true })
   */
  readonly logEncryptionKey?: IKey
}

/** Lets CloudWatch Logs use the key for log groups of this account. */
export function allowLogs(scope: Construct, key: IKey): void {
  const region = Stack.of(scope).region
  const groups = `arn:${Aws.PARTITION}:logs:${region}:${Aws.ACCOUNT_ID}:log-group:*`
  const statement = new PolicyStatement({
    principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
    actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
    resources: ['*'],
    conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
  })
  if (key.addToResourcePolicy(statement, true).statementAdded) return
  const message = `the policy of logEncryptionKey cannot be changed by this app: it must allow logs.${region}.amazonaws.com to encrypt and decrypt, or the log groups cannot be created`
  Annotations.of(scope).addWarningV2('fanmill:LogEncryptionKey', message)
}
