/** `fanmill/cdk`: a pipeline in any CDK app. */
export type { Tier } from '../lib/aws/lambda-events.ts'
export { FanmillPipeline } from './fanmill-pipeline.ts'
export { PipelineFunction, type PipelineFunctionProps } from './pipeline-function.ts'
export type { FanmillPipelineProps } from './pipeline-options.ts'
export { largeTiers, modestTiers } from './tiers.ts'
