/** The function that starts executions for the uploads in a queue, with a Step Functions that records the starts. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { handler } from '../../functions/start.ts'
import type { UploadEvent } from '../../lib/aws/lambda-events.ts'
import { Account, pipelineText, uploadEvent } from './account.ts'

const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:grid'
let server: Server
let account: Account
let started: { readonly name: string; readonly input: UploadEvent }[] = []
/** Errors of the next starts. */
let refusals: string[] = []

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { name, input } = JSON.parse(body)
    const refusal = refusals.shift()
    if (refusal === undefined) started.push({ name, input: JSON.parse(input) })
    response.writeHead(refusal === undefined ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' })
    const answer = { executionArn: `${stateMachineArn}:${name}`, startDate: 1 }
    response.end(JSON.stringify(refusal === undefined ? answer : { __type: refusal, message: 'chosen by the test' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, AWS_REGION: 'us-east-1' },
    ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', FANMILL_STATE_MACHINE: stateMachineArn },
  })
})
afterAll(() => server.close())
beforeEach(async () => {
  started = []
  refusals = []
  account = await Account.open(pipelineText())
})
afterEach(() => account.close())

const record = (body: string, messageId: string) => ({ messageId, body })
const messages = (keys: readonly string[]) => ({
  Records: keys.map((key, index) => record(JSON.stringify(uploadEvent(key)), `message-${index}`)),
})
const keysOf = (month: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `incoming/${month}/${index}.zip`)

describe('uploads from a queue', () => {
  it('start one execution for each set of parameters, with the event of one of them', async () => {
    const keys = [...keysOf('2001-01', 40), ...keysOf('2001-02', 2)]
    expect(await handler(messages(keys))).toEqual({ batchItemFailures: [] })
    expect(started.map(({ input }) => input.detail.object.key)).toEqual([
      'incoming/2001-01/0.zip',
      'incoming/2001-02/0.zip',
    ])
    expect(new Set(started.map(({ name }) => name)).size).toBe(2)
    for (const { name } of started) expect(name).toMatch(/^uploads-[\da-f]{16}$/)
    const { input } = started[0]!
    await account.upload('incoming/2001-01/0.zip', { 'a.csv': 'x,y\n1,2\n' })
    expect(await account.execute('points', input)).toMatchObject({ status: 'planned' })
  })

  it('have the same name when the same messages are received again in any order, and another name for later uploads', async () => {
    const keys = keysOf('2001-01', 3)
    await handler(messages(keys))
    await handler(messages(keys.toReversed()))
    await handler(messages(['incoming/2001-01/later.zip']))
    const [first, again, later] = started
    expect(again).toEqual(first)
    expect(later?.name).not.toBe(first?.name)
  })

  it('leave the queue when their execution was started before and has ended', async () => {
    refusals = ['ExecutionAlreadyExists']
    expect(await handler(messages(keysOf('2001-01', 2)))).toEqual({ batchItemFailures: [] })
  })

  it('start nothing when their key matches no task', async () => {
    const keys = ['incoming/notes.txt', 'incoming/latest/a.zip', 'elsewhere/a.zip']
    expect(await handler(messages(keys))).toEqual({ batchItemFailures: [] })
    expect(started).toEqual([])
  })

  it('stay in the queue when their execution is refused, while the others leave it', async () => {
    refusals = ['StateMachineDoesNotExist']
    const keys = [...keysOf('2001-01', 2), ...keysOf('2001-02', 1)]
    expect(await handler(messages(keys))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-1' }],
    })
    expect(started).toHaveLength(1)
  })

  it('stay in the queue when a message is no upload', async () => {
    const bodies = ['no JSON', '{"detail":{}}', JSON.stringify(uploadEvent('incoming/2001-01/a.zip'))]
    const Records = bodies.map((body, index) => record(body, `message-${index}`))
    expect(await handler({ Records })).toEqual({
      batchItemFailures: [{ itemIdentifier: 'message-0' }, { itemIdentifier: 'message-1' }],
    })
    expect(started).toHaveLength(1)
  })
})
