/** What the outputs of a CloudFormation stack tell of the pipelines deployed in it. */
import { PermanentError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'

/** One pipeline of a stack. */
export interface DeployedPipeline {
  readonly stack: string
  /** As its definition says. */
  readonly name: string
  /** Of its construct: what the outputs' names begin with. */
  readonly id: string
  readonly stateMachineArn: string
  /** Roots, `s3://bucket/prefix`. */
  readonly input: string
  readonly output: string
  readonly logGroups: readonly LogGroup[]
}

/** Log group of one of the functions. */
export interface LogGroup {
  readonly name: string
  readonly step: 'plan' | 'process' | 'commit'
}

/** The pipelines of a stack, by name; outputs of anything else are passed over. */
export function pipelinesIn(stack: string, outputs: Readonly<Record<string, string>>): DeployedPipeline[] {
  const found = Object.keys(outputs).flatMap(key => {
    const [, id] = /^(.*)StateMachineArn$/.exec(key) ?? []
    return id === undefined ? [] : pipelineOf(stack, id, outputs)
  })
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The one that is meant: by its name or its construct's, or the only one. @throws STACK_UNKNOWN, USAGE when several could be meant */
export function choosePipeline(
  stack: string,
  pipelines: readonly DeployedPipeline[],
  wanted: string | undefined,
): DeployedPipeline {
  const found = pipelines.filter(({ name, id }) => wanted === undefined || name === wanted || id === wanted)
  const [first, ...others] = found
  if (first && others.length === 0) return first
  if (pipelines.length === 0)
    throw new PermanentError(
      'STACK_UNKNOWN',
      `stack ${stack} has no Fanmill pipeline among its outputs; name the stack that was deployed with fanmill/cdk`,
      { stack },
    )
  const names = namesOf(first ? found : pipelines)
  const near = first ? [] : nearest(wanted ?? '', names)
  const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : `; it has ${names.join(', ')}`
  const called = wanted === undefined ? '' : ` called ${wanted}`
  const message = first
    ? `stack ${stack} has several pipelines${called}: ${names.join(', ')}; name one with --pipeline`
    : `stack ${stack} has no pipeline ${wanted}${hint}`
  throw new PermanentError('USAGE', message, { stack, names })
}

/** Names, and of those that share one the constructs'. */
function namesOf(pipelines: readonly DeployedPipeline[]): string[] {
  return pipelines.map(({ name, id }) => (pipelines.filter(each => each.name === name).length === 1 ? name : id))
}

function pipelineOf(stack: string, id: string, outputs: Readonly<Record<string, string>>): DeployedPipeline[] {
  const [name, stateMachineArn, input, output, groups] = [
    'Pipeline',
    'StateMachineArn',
    'Input',
    'Output',
    'LogGroups',
  ].map(what => outputs[id + what])
  if (!name || !stateMachineArn || !input || !output || !groups) return []
  const names = groups.split(',')
  const logGroups = names.map((group, index) => ({ name: group, step: stepOf(index, names.length) }))
  return [{ stack, name, id, stateMachineArn, input, output, logGroups }]
}

/** In the order of the output: Plan, Process by tier, Commit. */
const stepOf = (index: number, count: number): LogGroup['step'] =>
  index === 0 ? 'plan' : index === count - 1 ? 'commit' : 'process'
