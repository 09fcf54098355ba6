/** A pipeline on AWS, in any stack: uploads start a state machine that plans, processes in Lambda functions, and commits. */
import { isAbsolute } from 'node:path'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { type Places, placesOf, refuseLoop, refuseOwnInputs } from '../lib/aws/places.ts'
import type { PipelineDefinition } from '../lib/define/definition.ts'
import { bundleAsset } from './bundle-asset.ts'
import { checkBuckets } from './check-buckets.ts'
import { checkProps } from './check-props.ts'
import { makeNetwork } from './function-network.ts'
import { makeGlueTables } from './glue-tables.ts'
import { allowLogs } from './log-encryption.ts'
import { makeAlarms } from './pipeline-alarms.ts'
import { abortAbandoned, expireExchanged, makeBucket } from './pipeline-buckets.ts'
import { makeDashboard } from './pipeline-dashboard.ts'
import type { PipelineFunction } from './pipeline-function.ts'
import { makeFunctions, type PipelineContext, starterProps } from './pipeline-functions.ts'
import { findKeys } from './pipeline-keys.ts'
import { PipelineMachine } from './pipeline-machine.ts'
import { type FanmillPipelineProps, type PipelineProps, withDefaults } from './pipeline-options.ts'
import { addOutputs } from './pipeline-outputs.ts'
import { isSameBucket } from './same-bucket.ts'
import { chooseSchedule, ScheduleTrigger } from './schedule-trigger.ts'
import { UploadQueue } from './upload-queue.ts'
import { UploadTrigger } from './upload-trigger.ts'

/**
 * @example
 * new FanmillPipeline(this, 'Flights', { entry: 'pipelines/flights.ts', input: bucket, output: bucket, outputPrefix: 'lake/' })
 */
export class FanmillPipeline extends Construct {
  readonly input: IBucket
  readonly output: IBucket
  /** The state machine, for grants, rules and metrics of your own. */
  readonly stateMachine: StateMachine
  readonly stateMachineArn: string
  readonly plan: PipelineFunction
  /** One for each tier. */
  readonly process: readonly PipelineFunction[]
  readonly commit: PipelineFunction
  /** Gives the nodes of a graph that may run. */
  readonly graph: PipelineFunction
  /** Starts executions for events in the queue, with `uploads: 'queue'`. */
  readonly starter: PipelineFunction | undefined
  /** Events that could not be delivered; undefined without a trigger. */
  readonly deadLetterQueue: Queue | undefined

  /**
   * @throws the pipeline's own error when it does not load, or when its SQL is wrong; DEFINITION_INVALID when its output could start it
   * again; INPUT_IS_OUTPUT when a task reads what the pipeline writes
   */
  constructor(scope: Construct, id: string, givenProps: FanmillPipelineProps) {
    super(scope, id)
    const props = withDefaults(givenProps)
    checkProps(props)
    const { encryptionKey, glueDatabase, logEncryptionKey } = props
    if (logEncryptionKey) allowLogs(this, logEncryptionKey)
    const { entry, architecture, include, external } = props
    const bundle = bundleAsset(this, {
      entry,
      architecture,
      include,
      external,
      withSchemas: glueDatabase !== undefined,
    })
    this.input = props.input ?? makeBucket(this, 'Input', props)
    this.output = props.output ?? makeBucket(this, 'Output', props)
    const buckets = { input: this.input, output: this.output, encryptionKey }
    checkBuckets(this, buckets)
    const places = placesIn(this, bundle.pipeline, props)
    abortAbandoned(this.output)
    expireExchanged(this.output, places.exchange)
    const context = { bundle, places, keys: findKeys(buckets), network: makeNetwork(this, props), props }
    const functions = makeFunctions(this, context)
    ;({ plan: this.plan, process: this.process, commit: this.commit, graph: this.graph } = functions)
    this.stateMachine = makeMachine(this, context).stateMachine
    this.stateMachineArn = this.stateMachine.stateMachineArn
    const trigger = places.trigger === undefined ? undefined : makeTrigger(this, context)
    this.deadLetterQueue = trigger?.deadLetterQueue
    this.starter = trigger?.queue?.starter
    const { name } = bundle.pipeline
    const schedule = makeSchedule(this, context)
    const watched = { functions: functionsOf(this), trigger, schedule }
    makeAlarms(this, { ...props, ...watched, name, stateMachineArn: this.stateMachineArn })
    if (props.dashboard) makeDashboard(this, this, name)
    if (glueDatabase !== undefined)
      makeGlueTables(this, { ...bundle, database: glueDatabase, output: this.output, outputPrefix: props.outputPrefix })
    const ship = props.allowShip ? { ...bundle.shipFacts, ...(!isAbsolute(entry) && { entry }) } : undefined
    addOutputs(this, { ...props, name, ship })
  }
}

function makeSchedule(pipeline: FanmillPipeline, { bundle, props }: PipelineContext): ScheduleTrigger | undefined {
  const schedule = chooseSchedule(bundle.pipeline.schedule, props.schedule)
  if (!schedule) return undefined
  const { expression, timezone } = schedule
  const { stateMachineArn } = pipeline
  const trigger = new ScheduleTrigger(pipeline, 'Schedule', { expression, timezone, stateMachineArn })
  // The role of an execution has its policy before the first one starts.
  trigger.node.addDependency(pipeline.node.findChild('StateMachine'))
  return trigger
}

function placesIn({ input, output }: FanmillPipeline, pipeline: PipelineDefinition, props: PipelineProps): Places {
  const { trigger, ...rest } = placesOf(pipeline, props)
  const places = props.trigger ? { ...rest, trigger } : rest
  if (isSameBucket(input, output)) {
    refuseLoop(places)
    refuseOwnInputs(pipeline, props)
  }
  return places
}

function makeMachine(pipeline: FanmillPipeline, { bundle, places, keys, props }: PipelineContext): PipelineMachine {
  const { plan, process, commit, graph, output } = pipeline
  return new PipelineMachine(pipeline, 'StateMachine', {
    ...props,
    tasks: bundle.pipeline.tasks.map(task => task.name),
    ...callsOf(bundle.pipeline),
    timeoutSeconds: props.executionTimeout.toSeconds(),
    functionTimeoutSeconds: props.functionTimeout.toSeconds(),
    plan: plan.function,
    process: process.map(each => each.function),
    commit: commit.function,
    graph: graph.function,
    output,
    state: places.state,
    outputKeys: keys.outputKeys,
  })
}

/** The services that tasks call, each once, and what their calls need. */
function callsOf({ tasks }: PipelineDefinition) {
  const calls = tasks.flatMap(({ source }) => (source.kind === 'stateCall' ? [source] : []))
  return {
    integrations: [...new Set(calls.map(({ integration }) => integration))],
    permissions: calls.flatMap(({ permissions }) => permissions),
  }
}

const functionsOf = ({ plan, process, commit, graph, starter }: FanmillPipeline) =>
  [plan, ...process, commit, graph, ...(starter ? [starter] : [])].map(each => each.function)

function makeTrigger(pipeline: FanmillPipeline, context: PipelineContext): UploadTrigger {
  const { input: bucket, stateMachineArn } = pipeline
  const { uploads, uploadWindow: window } = context.props
  const common = starterProps(pipeline, context)
  const makeQueue = (scope: Construct, deadLetterQueue: Queue) =>
    new UploadQueue(scope, 'Uploads', { ...common, stateMachineArn, window, deadLetterQueue })
  const trigger = new UploadTrigger(pipeline, 'Trigger', {
    ...{ bucket, filter: context.places.triggerFilter, stateMachineArn },
    makeQueue: uploads === 'queue' ? makeQueue : undefined,
  })
  // The role of an execution has its policy before the first upload starts one.
  trigger.node.addDependency(pipeline.node.findChild('StateMachine'))
  return trigger
}
