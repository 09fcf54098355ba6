/** Commands about a deployed pipeline, up to where AWS answers. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { fanmill, folderOf } from './fanmill.ts'

const access = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** CloudFormation, answering each action with a status and a text. */
async function cloudFormation(answers: Readonly<Record<string, readonly [number, string]>>) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const action = new URLSearchParams(body).get('Action') ?? ''
    const [status, text] = answers[action] ?? [500, '']
    response.writeHead(status, { 'content-type': 'text/xml' }).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return { ...access, AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const fault = (code: string, message: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`
const result = (action: string, content: string): string =>
  `<${action}Response><${action}Result>${content}</${action}Result></${action}Response>`
const members = (values: readonly string[]): string => values.map(value => `<member>${value}</member>`).join('')

const stackWith = (outputs: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(outputs)
  const told = entries.map(([key, value]) => `<OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue>`)
  const stack = `<StackName>Lake</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members(told)}</Outputs>`
  return result('DescribeStacks', `<Stacks>${members([stack])}</Stacks>`)
}

describe('commands about a deployed pipeline', () => {
  it.each(['start', 'logs', 'retry', 'stop'])('%s needs a stack', async command => {
    const { code, stderr } = await fanmill([command], { cwd: folderOf({}) })
    expect(code).toBe(2)
    expect(stderr).toMatch(/^fanmill: USAGE expected --stack, FANMILL_STACK or "stack" in fanmill.config.json .*\n$/)
  })

  it.each([
    [['status', '--stack', 'Lake', '--output', 'out'], 'expected --stack or --output, got both'],
    [['runs', '--pipeline', 'flights'], 'expected --stack with --pipeline'],
    [['show', 's3://lake/flights', '--stack', 'Lake'], 'expected the path of a dataset below the output of stack Lake'],
    [['head', './flights', '--stack', 'Lake'], 'got ./flights'],
    [['logs', '--stack', 'Lake', '--since', 'today'], 'expected an age such as 7d, 12h or 30m'],
    [['logs', '--stack', 'Lake', '--level', 'loud'], 'Allowed choices are debug, info, warn, error'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await fanmill(args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it('uses --output when the stack comes from a variable or the file', async () => {
    const env = { FANMILL_STACK: 'Lake' }
    const output = folderOf({})
    const { code, stdout } = await fanmill(['runs', '--output', output], { env })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'no runs\n' })
  })

  it('names the nearest stacks when one does not exist', async () => {
    const summaries = members(['Lakes', 'Billing'].map(name => `<StackName>${name}</StackName>`))
    const env = await cloudFormation({
      DescribeStacks: [400, fault('ValidationError', 'Stack with id Lake does not exist')],
      ListStacks: [200, result('ListStacks', `<StackSummaries>${summaries}</StackSummaries>`)],
    })
    const { code, stderr } = await fanmill(['status', '--stack', 'Lake'], { env })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'fanmill: STACK_UNKNOWN there is no stack Lake; did you mean Lakes?\n',
    })
  })

  it('names no other stacks when the caller may not list them', async () => {
    const env = await cloudFormation({
      DescribeStacks: [400, fault('ValidationError', 'Stack with id Lake does not exist')],
      ListStacks: [403, fault('AccessDenied', 'no')],
    })
    const { code, stderr } = await fanmill(['status', '--stack', 'Lake'], { env })
    const mend = 'check its name, the account (--profile) and the region (--region)'
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `fanmill: STACK_UNKNOWN there is no stack Lake; ${mend}\n`,
    })
  })

  it.each([
    [fault('AccessDenied', 'no'), 403, 'access denied; it needs cloudformation:DescribeStacks on Lake'],
    [fault('ExpiredToken', 'The security token is expired'), 403, 'the credentials have expired; sign in again'],
    [fault('InvalidClientTokenId', 'The token is invalid.'), 403, 'The token is invalid; sign in, or name a profile'],
  ])('says what mends %j', async (text, status, message) => {
    const env = await cloudFormation({ DescribeStacks: [status, text] })
    const { code, stderr } = await fanmill(['start', '--stack', 'Lake'], { env })
    expect(code).toBe(1)
    expect(stderr).toContain(`fanmill: AWS_REFUSED cannot look at stack Lake: ${message}`)
  })

  it('fails with the option to set when no region is known', async () => {
    const env = { ...access, AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_CONFIG_FILE: folderOf({}) }
    const { code, stderr } = await fanmill(['stop', '--stack', 'Lake'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('no region is known; name one with --region, or set AWS_REGION')
  })

  it('refuses a stack without a pipeline, and one with several when none is named', async () => {
    const none = await cloudFormation({ DescribeStacks: [200, stackWith({ Url: 'x' })] })
    expect((await fanmill(['runs', '--stack', 'Lake'], { env: none })).stderr).toContain(
      'STACK_UNKNOWN stack Lake has no Fanmill pipeline among its outputs',
    )
    const outputs = ['Flights', 'Trips'].flatMap(id =>
      ['Pipeline', 'StateMachineArn', 'Input', 'Output', 'LogGroups'].map(what => [id + what, id.toLowerCase()]),
    )
    const several = await cloudFormation({ DescribeStacks: [200, stackWith(Object.fromEntries(outputs))] })
    const { code, stderr } = await fanmill(['runs', '--stack', 'Lake'], { env: several })
    expect(code).toBe(2)
    expect(stderr).toContain('stack Lake has several pipelines: flights, trips; name one with --pipeline')
  })
})
