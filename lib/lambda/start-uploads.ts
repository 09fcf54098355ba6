/** Many small uploads become few executions: those of a batch of messages that ask for the same parameters start one. */
import * as v from 'valibot'
import type { UploadEvent } from '../aws/lambda-events.ts'
import { FanmillError } from '../errors/errors.ts'
import { canonicalJson } from '../model/run-identity.ts'
import { readAsked, uploadSchema } from './asked.ts'
import type { LambdaSession } from './session.ts'
import { shortName } from './session.ts'
import { logger } from './telemetry.ts'

/** What SQS hands over: each body is an event of EventBridge. */
const queueEventSchema = v.looseObject({
  Records: v.array(v.looseObject({ messageId: v.string(), body: v.string() })),
})

export type QueueEvent = v.InferOutput<typeof queueEventSchema>

/** @throws Error naming what is not as SQS sends it */
export const readQueueEvent = (event: unknown): QueueEvent => v.parse(queueEventSchema, event)

/** Messages that stay in the queue, to be handed over again. */
export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** Starts an execution; a name that was started before with the same input is no fault. */
export type StartExecution = (name: string, input: UploadEvent) => Promise<void>

/** Executions are named by the parameters and the events, so that the same messages, handed over again, start nothing new. */
export async function startUploads(
  { Records }: QueueEvent,
  { lambda, start }: { readonly lambda: LambdaSession; readonly start: StartExecution },
): Promise<QueueAnswer> {
  const failed: string[] = []
  const groups = new Map<string, Message[]>()
  for (const { messageId, body } of Records) {
    const event = readUpload(body)
    if (!event) {
      logger.error('expected the event of an upload in a message, got something else', { messageId })
      failed.push(messageId)
      continue
    }
    const parameters = parametersOf(event, lambda)
    if (parameters !== undefined) groups.set(parameters, [...(groups.get(parameters) ?? []), { messageId, event }])
  }
  for (const [parameters, messages] of groups) {
    const isStarted = await startGroup(parameters, messages, start)
    if (!isStarted) failed.push(...messages.map(({ messageId }) => messageId))
  }
  logger.info('started', { messages: Records.length, executions: groups.size, failed: failed.length })
  return { batchItemFailures: failed.map(itemIdentifier => ({ itemIdentifier })) }
}

interface Message {
  readonly messageId: string
  readonly event: UploadEvent
}

function readUpload(body: string): UploadEvent | undefined {
  try {
    return v.parse(uploadSchema, JSON.parse(body))
  } catch {
    return undefined
  }
}

/** As a text, by task; undefined when the upload starts nothing. */
function parametersOf(event: UploadEvent, { pipeline, settings }: LambdaSession): string | undefined {
  const asked = pipeline.tasks.flatMap(task => {
    try {
      const found = readAsked(event, task, { pipeline, input: settings.input })
      return found ? [[task.name, found.params]] : []
    } catch (error) {
      // The execution says so: it fails, and the alarm sees it.
      if (error instanceof FanmillError) return [[task.name, error.code]]
      throw error
    }
  })
  return asked.length === 0 ? undefined : canonicalJson(asked)
}

async function startGroup(parameters: string, messages: readonly Message[], start: StartExecution): Promise<boolean> {
  const events = new Map(messages.map(({ event }) => [event.id, event]))
  const ids = [...events.keys()].sort()
  const first = events.get(ids[0] ?? '') as UploadEvent
  const name = `uploads-${shortName(`${parameters} ${ids.join(' ')}`)}`
  try {
    await start(name, first)
    return true
  } catch (error) {
    const { name: fault, message: reason } = error as Error
    logger.error('an execution could not be started; its messages stay in the queue', {
      execution: name,
      fault,
      reason,
    })
    return false
  }
}
