/** What the three functions have in common: the event is checked, the deadline watched, and every end told. */
import * as v from 'valibot'
import { boundedText, messageBytesMax } from '../errors/bounded-text.ts'
import { CapacityError, type FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { publicForm } from '../errors/public-error.ts'
import { type Deadline, type LambdaContext, openDeadline } from './deadline.ts'
import { type LambdaSession, openLambda } from './session.ts'
import { logger } from './telemetry.ts'

export interface Invocation {
  readonly lambda: LambdaSession
  readonly deadline: Deadline
  readonly context: LambdaContext
}

export interface HandlerOptions<Event, Answer> {
  readonly event: v.GenericSchema<unknown, Event>
  work(event: Event, invocation: Invocation): Promise<Answer>
}

/**
 * @throws errors whose `name` is their class, by which the state machine decides, and whose message begins with the code
 * and quotes no row: the whole is in the state, for `status`
 */
export function createHandler<Event extends { readonly task: string; readonly execution: string }, Answer>({
  event: schema,
  work,
}: HandlerOptions<Event, Answer>) {
  return async (given: unknown, context: LambdaContext): Promise<Answer> => {
    const deadline = openDeadline(context)
    // Those of the invocation before, whatever becomes of this one.
    logger.resetKeys()
    logger.appendKeys({ request: context.awsRequestId })
    let taskCount = taskCountMax
    try {
      const event = parse(schema, given)
      const { task, execution } = event
      logger.appendKeys({ task, execution })
      const lambda = await openLambda()
      taskCount = lambda.pipeline.tasks.length
      return await work(event, { lambda, deadline, context })
    } catch (error) {
      const { name, code, message, detail } = publicForm(error)
      logger.error(message, { fault: { name, code, detail } })
      throw readable(error, taskCount)
    } finally {
      deadline.close()
    }
  }
}

function parse<Event>(schema: v.GenericSchema<unknown, Event>, given: unknown): Event {
  const result = v.safeParse(schema, given)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new PermanentError(
    'USAGE',
    `event: ${v.getDotPath(issue) ?? 'it'}: expected ${issue.expected}, got ${issue.received}`,
  )
}

/** Assumed while the pipeline is not loaded. */
const taskCountMax = 400

/**
 * The state machine shows the name and the message of an error, and the platform logs what else it has. So it has no cause, a short
 * stack, and a message that leaves room for those of the other tasks.
 */
function readable(error: unknown, taskCount: number): FanmillError {
  const { code = 'ENGINE_FAILED', message, detail } = publicForm(error)
  const Kind =
    error instanceof CapacityError ? CapacityError : error instanceof TransientError ? TransientError : PermanentError
  const bounded = new Kind(code, boundedText(`${code} ${message}`, messageBytesMax(taskCount)), detail)
  bounded.stack = `${bounded.name}: ${code}`
  return bounded
}
