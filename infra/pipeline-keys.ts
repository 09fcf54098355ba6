/** The KMS keys that the roles of a pipeline need: readers decrypt, writers also encrypt. */
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { CheckedBuckets } from './check-buckets.ts'
import { warnOfUnknownKey } from './pipeline-buckets.ts'

export interface PipelineKeys {
  /** Keys of inputs and tables, which are only read. */
  readonly inputKeys: readonly IKey[]
  /** Keys of datasets and state, which are written and read again. */
  readonly outputKeys: readonly IKey[]
}

/** Returns the keys, and warns of buckets whose key is not known. */
export function findKeys({ input, output, encryptionKey }: CheckedBuckets): PipelineKeys {
  warnOfUnknownKey(input)
  if (!encryptionKey) warnOfUnknownKey(output)
  const outputKeys = unique([encryptionKey, output.encryptionKey])
  return { inputKeys: unique([input.encryptionKey]).filter(key => !outputKeys.includes(key)), outputKeys }
}

const unique = (keys: readonly (IKey | undefined)[]): IKey[] => [...new Set(keys.filter(key => key !== undefined))]
