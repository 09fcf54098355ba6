/** Finds the pipelines of a CloudFormation stack in its outputs. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import { nearest } from '../errors/nearest.ts'
import type { DataOf } from '../model/json-schema.ts'
import { shipFactsSchema } from './ship-facts.ts'

/** One pipeline of a stack. */
export interface DeployedPipeline {
  readonly stack: string
  /** Name in its definition. */
  readonly name: string
  /** Id of its construct, with which the names of its outputs begin. */
  readonly id: string
  readonly stateMachineArn: string
  /** Roots, `s3://bucket/prefix`. */
  readonly input: string
  readonly output: string
  readonly logGroups: readonly LogGroup[]
  /** Absent where no code may be shipped. */
  readonly ship?: ShipOutput | undefined
}

const shipOutputSchema = v.object({
  ...shipFactsSchema.entries,
  /** Path of the pipeline's file from the folder where it was deployed; absent where it was absolute. */
  entry: v.optional(v.string()),
})
/** The facts of a deployment by which `start --ship` decides. */
export type ShipOutput = DataOf<typeof shipOutputSchema>

/** Log group of one of the functions. */
export interface LogGroup {
  readonly name: string
  readonly step: 'plan' | 'process' | 'commit' | 'graph' | 'start'
}

/** Returns the pipelines of a stack, sorted by name; other outputs are ignored. */
export function pipelinesIn(stack: string, outputs: Readonly<Record<string, string>>): DeployedPipeline[] {
  const found = Object.keys(outputs).flatMap(key => {
    const [, id] = /^(.*)StateMachineArn$/.exec(key) ?? []
    return id === undefined ? [] : pipelineOf(stack, id, outputs)
  })
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Returns the pipeline with this name or this id of its construct, by default the only one. @throws STACK_UNKNOWN, USAGE when several match */
export function choosePipeline(
  stack: string,
  pipelines: readonly DeployedPipeline[],
  wanted: string | undefined,
): DeployedPipeline {
  const found = pipelines.filter(({ name, id }) => wanted === undefined || name === wanted || id === wanted)
  const [first, ...others] = found
  if (first && others.length === 0) return first
  if (pipelines.length === 0) {
    const message = `stack ${stack} has no Fanmill pipeline among its outputs; name the stack that was deployed with fanmill/cdk`
    throw new PermanentError('STACK_UNKNOWN', message, { stack })
  }
  const names = namesOf(first ? found : pipelines)
  const near = first ? [] : nearest(wanted ?? '', names)
  const hint = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : `; it has ${names.join(', ')}`
  const called = wanted === undefined ? '' : ` called ${wanted}`
  const message = first
    ? `stack ${stack} has several pipelines${called}: ${names.join(', ')}; name one with --pipeline`
    : `stack ${stack} has no pipeline ${wanted}${hint}`
  throw new PermanentError('USAGE', message, { stack, names })
}

/** Returns the names of the pipelines; those that share a name are called by the ids of their constructs. */
function namesOf(pipelines: readonly DeployedPipeline[]): string[] {
  return pipelines.map(({ name, id }) => (pipelines.filter(each => each.name === name).length === 1 ? name : id))
}

function pipelineOf(stack: string, id: string, outputs: Readonly<Record<string, string>>): DeployedPipeline[] {
  const fact = (named: string): string | undefined => outputs[id + named]
  const [name, stateMachineArn, groups] = [fact('Pipeline'), fact('StateMachineArn'), fact('LogGroups')]
  const [input, output] = [fact('Input'), fact('Output')]
  if (!name || !stateMachineArn || !input || !output || !groups) return []
  const names = groups.split(',')
  const logGroups: LogGroup[] = names.map((group, index) => ({ name: group, step: stepOf(index, names.length) }))
  const [graphGroup, startGroup] = [fact('GraphLogGroup'), fact('StartLogGroup')]
  if (graphGroup) logGroups.push({ name: graphGroup, step: 'graph' })
  if (startGroup) logGroups.push({ name: startGroup, step: 'start' })
  return [{ stack, name, id, stateMachineArn, input, output, logGroups, ship: readShip(fact('Ship')) }]
}

/** Returns undefined for an output of another version of Fanmill, which ships no code here. */
function readShip(output: string | undefined): ShipOutput | undefined {
  const result = v.safeParse(shipOutputSchema, readObject(output ?? ''))
  return result.success ? result.output : undefined
}

/** The output lists Plan, Process by tier, and Commit in this order. */
const stepOf = (index: number, count: number): LogGroup['step'] =>
  index === 0 ? 'plan' : index === count - 1 ? 'commit' : 'process'
