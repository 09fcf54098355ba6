/** The frame of the three functions: checks the event, watches the deadline, and logs every failure. */
import * as v from 'valibot'
import type { ExecutionInput, NodeRef } from '../aws/lambda-events.ts'
import { boundedText, messageBytesMax } from '../errors/bounded-text.ts'
import { classOf, type FanmillError, PermanentError } from '../errors/errors.ts'
import { publicForm } from '../errors/public-error.ts'
import { type Deadline, type LambdaContext, openDeadline } from './deadline.ts'
import { isByHand } from './run-request.ts'
import { type LambdaSession, openLambda } from './session.ts'
import { openShipped } from './shipped-code.ts'
import { logger } from './telemetry.ts'

export interface Invocation {
  readonly lambda: LambdaSession
  readonly deadline: Deadline
  readonly context: LambdaContext
}

/**
 * Makes a handler.
 * @throws errors whose `name` is their class, by which the state machine decides, and whose message begins with the code
 * and quotes no row; the details are in the state, for `status`
 */
export function createHandler<Event extends HandledEvent, Answer extends object>({
  event: schema,
  work,
}: {
  readonly event: v.GenericSchema<unknown, Event>
  work(event: Event, invocation: Invocation): Promise<Answer>
}) {
  return async (given: unknown, context: LambdaContext): Promise<Answer> => {
    const deadline = openDeadline(context)
    // Removes the keys of the invocation before.
    logger.resetKeys()
    logger.appendKeys({ request: context.awsRequestId })
    let taskCount = taskCountMax
    try {
      const event = parse(schema, given)
      const { task, execution } = event
      logger.appendKeys({ task, execution })
      const shipped = shippedIn(event)
      const lambda = await openShipped(await openLambda(), shipped)
      taskCount = lambda.pipeline.tasks.length
      return { ...(await work(event, { lambda, deadline, context })), ...carried(event), shipped }
    } catch (error) {
      const { name, code, message, detail } = publicForm(error)
      logger.error(message, { fault: { name, code, detail } })
      throw readable(error, taskCount)
    } finally {
      deadline.close()
    }
  }
}

/** Fields by which the frame knows what an invocation is for. */
interface HandledEvent {
  readonly task?: string
  readonly execution: string
  readonly node?: NodeRef | undefined
  readonly maxConcurrency?: number
  /** Input of the execution. */
  readonly event?: ExecutionInput | undefined
  readonly shipped?: string | undefined
}

/** Returns the hash of the shipped code that the execution runs, from its input or from the answer before; empty for the deployed code. */
const shippedIn = ({ event, shipped = '' }: HandledEvent): string =>
  (event && isByHand(event) && event.shipped) || shipped

/** Returns what the states of a node carry from one answer to the next: in a child, the context object has neither. */
function carried({ node, execution, maxConcurrency }: HandledEvent): object {
  return node ? { node, execution, maxConcurrency } : {}
}

function parse<Event>(schema: v.GenericSchema<unknown, Event>, given: unknown): Event {
  const result = v.safeParse(schema, given)
  if (result.success) return result.output
  const [issue] = result.issues
  const message = `event: ${v.getDotPath(issue) ?? 'it'}: expected ${issue.expected}, got ${issue.received}`
  throw new PermanentError('USAGE', message)
}

/** Count of tasks that is assumed until the pipeline is loaded. */
const taskCountMax = 400

/**
 * Returns the error as the state machine shows it. The platform logs everything else that an error has, so it gets no cause and a short
 * stack; its message leaves room for those of the other tasks.
 */
function readable(error: unknown, taskCount: number): FanmillError {
  const { code = 'ENGINE_FAILED', message, detail } = publicForm(error)
  const bounded = new (classOf(error))(code, boundedText(`${code} ${message}`, messageBytesMax(taskCount)), detail)
  bounded.stack = `${bounded.name}: ${code}`
  return bounded
}
