/** Outputs of the stack, by which `fanmill start`, `status`, `logs`, `rejects` and `retry` find a deployed pipeline. */
import { CfnOutput, Names, Stack } from 'aws-cdk-lib'
import type { ShipOutput } from '../lib/aws/stack-outputs.ts'
import type { PipelineParts } from './pipeline-parts.ts'

export interface OutputFacts {
  /** Name of the pipeline. */
  readonly name: string
  readonly inputPrefix: string
  readonly outputPrefix: string
  /** The facts by which `start --ship` decides; absent where no code may be shipped. */
  readonly ship?: ShipOutput | undefined
}

/** Adds outputs named `<id of the construct><fact>`, since one stack may hold several pipelines. */
export function addOutputs(pipeline: PipelineParts, { name, inputPrefix, outputPrefix, ship }: OutputFacts): void {
  const stack = Stack.of(pipeline)
  const id =
    pipeline.node.scope === stack
      ? pipeline.node.id.replaceAll(/[^A-Za-z\d]/g, '')
      : Names.uniqueResourceName(pipeline, { maxLength: 100 })
  const { input, output, plan, process, commit, graph, starter, stateMachineArn } = pipeline
  const facts = {
    Pipeline: name,
    StateMachineArn: stateMachineArn,
    Input: `s3://${input.bucketName}/${inputPrefix}`,
    Output: `s3://${output.bucketName}/${outputPrefix}`,
    LogGroups: [plan, ...process, commit].map(each => each.logGroup.logGroupName).join(','),
    GraphLogGroup: graph.logGroup.logGroupName,
    StartLogGroup: starter?.logGroup.logGroupName,
    Ship: ship && JSON.stringify(ship),
  }
  for (const [fact, value] of Object.entries(facts)) {
    if (value === undefined) continue
    new CfnOutput(pipeline, `Output${fact}`, {
      value,
      description: `Fanmill pipeline ${name}: ${descriptions[fact as keyof typeof facts]}`,
    }).overrideLogicalId(`${id}${fact}`)
  }
}

const descriptions = {
  Pipeline: 'its name',
  StateMachineArn: 'start it by hand with { "params": { } }',
  Input: 'where uploads go',
  Output: 'where its datasets and its state are',
  LogGroups: 'log groups of Plan, Process by tier, and Commit',
  GraphLogGroup: 'log group of the function that walks graphs of tasks',
  Ship: 'how fanmill start --ship decides whether the functions can run edited code',
  StartLogGroup: 'log group of the function that starts executions for uploads in the queue',
} as const
