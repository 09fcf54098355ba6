/** The parts of the construct that its other files need, so that they do not import the construct. */
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { PipelineFunction } from './pipeline-function.ts'

/** The construct with its buckets, before it has functions. */
export interface PipelineScope extends Construct {
  readonly input: IBucket
  readonly output: IBucket
}

export interface PipelineParts extends PipelineScope {
  readonly plan: PipelineFunction
  /** One for each tier. */
  readonly process: readonly PipelineFunction[]
  readonly commit: PipelineFunction
  readonly graph: PipelineFunction
  readonly starter: PipelineFunction | undefined
  readonly stateMachineArn: string
}
