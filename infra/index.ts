/** `fanmill/cdk`: a pipeline in anybody's CDK app. */
export type { Tier } from '../lib/aws/lambda-events.ts'
export { FanmillPipeline, type FanmillPipelineProps } from './fanmill-pipeline.ts'
export { PipelineFunction, type PipelineFunctionProps } from './pipeline-function.ts'
export { largeTiers, modestTiers } from './tiers.ts'
