/** What the three functions have in common: the event is checked, the deadline watched, and every end told. */
import * as v from 'valibot'
import { CapacityError, type FanmillError, PermanentError, TransientError } from '../core/errors.ts'
import { publicForm } from '../core/public-error.ts'
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
    try {
      const event = parse(schema, given)
      const { task, execution } = event
      logger.appendKeys({ task, execution })
      return await work(event, { lambda: await openLambda(), deadline, context })
    } catch (error) {
      const { name, code, message, detail } = publicForm(error)
      logger.error(message, { fault: { name, code, detail } })
      throw readable(error)
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

/** Of an error the state machine shows its name and message alone; the platform logs what else it has, and so it has no cause. */
function readable(error: unknown): FanmillError {
  const { code = 'ENGINE_FAILED', message, detail } = publicForm(error)
  const Kind =
    error instanceof CapacityError ? CapacityError : error instanceof TransientError ? TransientError : PermanentError
  return new Kind(code, `${code} ${message}`, detail)
}
