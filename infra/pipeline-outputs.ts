/** What `fanmill start`, `status`, `logs`, `rejects` and `retry` find a deployed pipeline by: outputs of its stack. */
import { CfnOutput, Names, Stack } from 'aws-cdk-lib'
import type { FanmillPipeline } from './fanmill-pipeline.ts'

export interface OutputFacts {
  /** Name of the pipeline. */
  readonly name: string
  readonly inputPrefix: string
  readonly outputPrefix: string
}

/** Each output is `<id of the construct><what>`: one stack may hold several pipelines. */
export function tellOutputs(pipeline: FanmillPipeline, { name, inputPrefix, outputPrefix }: OutputFacts): void {
  const stack = Stack.of(pipeline)
  const id =
    pipeline.node.scope === stack
      ? pipeline.node.id.replaceAll(/[^A-Za-z\d]/g, '')
      : Names.uniqueResourceName(pipeline, { maxLength: 100 })
  const { input, output, plan, process, commit, stateMachineArn } = pipeline
  const facts = {
    Pipeline: name,
    StateMachineArn: stateMachineArn,
    Input: `s3://${input.bucketName}/${inputPrefix}`,
    Output: `s3://${output.bucketName}/${outputPrefix}`,
    LogGroups: [plan, ...process, commit].map(each => each.logGroup.logGroupName).join(','),
  }
  for (const [what, value] of Object.entries(facts)) {
    new CfnOutput(pipeline, `Output${what}`, {
      value,
      description: `Fanmill pipeline ${name}: ${descriptions[what as keyof typeof facts]}`,
    }).overrideLogicalId(`${id}${what}`)
  }
}

const descriptions = {
  Pipeline: 'its name',
  StateMachineArn: 'start it by hand with { "params": { } }',
  Input: 'where uploads go',
  Output: 'where its datasets and its state are',
  LogGroups: 'of Plan, Process by tier, and Commit',
} as const
