/** Starts one execution for all uploads of a batch of messages that have the same parameters. */
import * as v from 'valibot'
import { type UploadEvent, uploadEventSchema } from '../aws/lambda-events.ts'
import { FanmillError } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import { canonicalJson } from '../model/run/identity.ts'
import { readRunRequest } from './run-request.ts'
import { type LambdaSession, shortName } from './session.ts'
import { logger } from './telemetry.ts'

/** A batch of messages from SQS: each body is an event of EventBridge. */
const queueEventSchema = v.looseObject({
  Records: v.array(v.looseObject({ messageId: v.string(), body: v.string() })),
})

export type QueueEvent = v.InferOutput<typeof queueEventSchema>

/** @throws Error with the field that is not as SQS sends it */
export const readQueueEvent = (event: unknown): QueueEvent => v.parse(queueEventSchema, event)

/** Messages that stay in the queue, and are received again. */
export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** Starts an execution; succeeds also when one with this name and input was started before. */
export type StartExecution = (name: string, input: UploadEvent) => Promise<void>

/** Names executions by parameters and events, so that messages that are received twice start nothing new. */
export async function startUploads(
  { Records }: QueueEvent,
  { lambda, start }: { readonly lambda: LambdaSession; readonly start: StartExecution },
): Promise<QueueAnswer> {
  const failed: string[] = []
  const messages: Message[] = []
  for (const { messageId, body } of Records) {
    const event = readUpload(body)
    if (!event) {
      logger.error('expected the event of an upload in a message, got something else', { messageId })
      failed.push(messageId)
      continue
    }
    const parameters = parametersOf(event, lambda)
    if (parameters !== undefined) messages.push({ messageId, event, parameters })
  }
  const groups = Map.groupBy(messages, ({ parameters }) => parameters)
  for (const [parameters, group] of groups) {
    const isStarted = await startGroup(parameters, group, start)
    if (!isStarted) failed.push(...group.map(({ messageId }) => messageId))
  }
  logger.info('started', { messages: Records.length, executions: groups.size, failed: failed.length })
  return { batchItemFailures: failed.map(itemIdentifier => ({ itemIdentifier })) }
}

interface Message {
  readonly messageId: string
  readonly event: UploadEvent
  readonly parameters: string
}

function readUpload(body: string): UploadEvent | undefined {
  const read = v.safeParse(uploadEventSchema, readObject(body))
  return read.success ? read.output : undefined
}

/** Returns the parameters of all tasks as one text; undefined when the upload starts nothing. */
function parametersOf(event: UploadEvent, { pipeline, settings }: LambdaSession): string | undefined {
  const requests = pipeline.tasks.flatMap(task => {
    try {
      const found = readRunRequest(event, task, { pipeline, input: settings.input })
      return found ? [[task.name, found.params]] : []
    } catch (error) {
      // An execution is started all the same: it fails with this error, and the alarm goes off.
      if (error instanceof FanmillError) return [[task.name, error.code]]
      throw error
    }
  })
  return requests.length === 0 ? undefined : canonicalJson(requests)
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
    const failed = { execution: name, fault, reason }
    logger.error('an execution could not be started; its messages stay in the queue', failed)
    return false
  }
}
