/** Start: turns the events of many uploads, from a queue, into one execution for each set of parameters. */

import { startExecution } from '../lib/deployed/start-execution.ts'
import { PermanentError } from '../lib/errors/errors.ts'
import { openLambda } from '../lib/lambda/session.ts'
import { type QueueAnswer, readQueueEvent, startUploads } from '../lib/lambda/start-uploads.ts'

/** An event of SQS → the messages that stay in the queue. */
export async function handler(event: unknown): Promise<QueueAnswer> {
  const stateMachineArn = process.env.FANMILL_STATE_MACHINE
  if (!stateMachineArn)
    throw new PermanentError('USAGE', 'expected FANMILL_STATE_MACHINE, which the construct sets, got nothing')
  const start = (name: string, input: unknown): Promise<void> => startExecution(stateMachineArn, name, input)
  return startUploads(readQueueEvent(event), { lambda: await openLambda(), start })
}
