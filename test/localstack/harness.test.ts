import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { buildZip } from '../zip-builder.ts'
import { endpoint } from './environment.ts'
import { lambda } from './functions.ts'

const handler = `
import { tmpdir } from 'node:os'
export const handler = async (event, context) => {
  if (event.fail) throw Object.assign(new Error('chosen by the test'), { name: 'TransientError' })
  if (event.exit) process.exit(7)
  if (event.hang) await new Promise(resolve => setTimeout(resolve, 60_000))
  console.log('seen', event.say)
  return { say: event.say, left: context.getRemainingTimeInMillis(), pid: process.pid, tmp: tmpdir() }
}`

describe.skipIf(!endpoint)('a Lambda function on LocalStack', () => {
  it('is a process of this machine, with the answers and the error names of AWS', async () => {
    const name = `probe-${randomUUID()}`
    await createFunction(name, { 'index.mjs': handler }, { Timeout: 3 })
    const first = await invoke(name, { say: 'hello' })
    expect(first).toMatchObject({ say: 'hello' })
    expect(first.left).toBeGreaterThan(0)
    expect((await invoke(name, { say: 'again' })).pid).toBe(first.pid)
    expect(await invoke(name, { fail: true })).toMatchObject({
      errorType: 'TransientError',
      errorMessage: 'chosen by the test',
    })
    expect(await invoke(name, { exit: true })).toMatchObject({ errorType: 'Runtime.ExitError' })
    expect(await invoke(name, { hang: true })).toMatchObject({ errorType: 'Sandbox.Timedout' })
    expect((await invoke(name, { say: 'anew' })).pid).not.toBe(first.pid)
  })
})

async function createFunction(name: string, files: Readonly<Record<string, string>>, options: object): Promise<void> {
  await lambda('', {
    body: {
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: 'arn:aws:iam::000000000000:role/any',
      Code: { ZipFile: buildZip(files).toString('base64') },
      MemorySize: 256,
      ...options,
    },
  })
}

const invoke = (name: string, event: object) => lambda(`/${name}/invocations`, { body: event })
