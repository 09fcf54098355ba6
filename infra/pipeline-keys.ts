/** Which KMS keys the roles of a pipeline need: who reads decrypts, who writes encrypts as well. */
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { askForKey } from './pipeline-buckets.ts'

export interface PipelineKeys {
  /** Of inputs and tables, which are only read. */
  readonly inputKeys: readonly IKey[]
  /** Of datasets and state, which are written and read again. */
  readonly outputKeys: readonly IKey[]
}

export interface KeyedBuckets {
  readonly input: IBucket
  readonly output: IBucket
  /** Of all that is written, whatever key the output's bucket has. */
  readonly encryptionKey?: IKey | undefined
}

/** Warns of buckets whose key cannot be known. */
export function pipelineKeys({ input, output, encryptionKey }: KeyedBuckets): PipelineKeys {
  askForKey(input)
  if (!encryptionKey) askForKey(output)
  const outputKeys = unique([encryptionKey, output.encryptionKey])
  return { inputKeys: unique([input.encryptionKey]).filter(key => !outputKeys.includes(key)), outputKeys }
}

const unique = (keys: readonly (IKey | undefined)[]): IKey[] => [...new Set(keys.filter(key => key !== undefined))]
