/** A pipeline that stands in a small AWS over HTTP: its stack, its executions, its logs, and an S3 with its output. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { s3Store } from '../../lib/store/s3/store.ts'
import type { Store } from '../../lib/store/store.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'

const access = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
const stateMachineArn = 'arn:aws:states:us-east-1:000000000000:stateMachine:grid'

export interface FakeExecution {
  readonly name: string
  readonly arn: string
  status: 'RUNNING' | 'SUCCEEDED' | 'ABORTED'
  input: string
  /** Names of the states that it left. */
  outputs: readonly object[]
  readonly startDate: number
  stopDate?: number
}

export interface FakeAws {
  /** Environment of the command line. */
  readonly env: Readonly<Record<string, string>>
  /** The output. */
  readonly store: Store
  readonly s3: S3Server
  readonly executions: Map<string, FakeExecution>
  /** Lines in the log of Commit. */
  readonly lines: { readonly eventId: string; readonly timestamp: number; readonly message: string }[]
  /** Further outputs of the stack. */
  readonly outputs: Record<string, string>
  /** An execution is begun; what is started by the command line goes through it too. */
  begin(name: string, given?: Partial<FakeExecution>): FakeExecution
  /** Called when an execution is started by the command line. */
  onStart: (execution: FakeExecution) => void
  /** Called before the log of Commit is read. */
  onLogRead: () => void
  stop(): Promise<void>
}

/** Stack `Lake` with the pipeline `grid`. */
export async function startAws(): Promise<FakeAws> {
  Object.assign(process.env, access)
  const s3 = await startS3Server()
  const server = createServer(async (request, response) => {
    const [type, text] = await answerTo(request, aws)
    response.writeHead(text === undefined ? 400 : 200, { 'content-type': type })
    response.end(text ?? JSON.stringify({ __type: 'ExecutionDoesNotExist', message: 'there is none' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const executions: FakeAws['executions'] = new Map()
  const aws: FakeAws = {
    env: { ...access, AWS_ENDPOINT_URL: endpoint, AWS_ENDPOINT_URL_S3: s3.endpoint, FANMILL_STACK: 'Lake' },
    store: s3Store({ kind: 's3', bucket: 'lake', prefix: '', region: 'us-east-1', endpoint: s3.endpoint }),
    s3,
    executions,
    lines: [],
    outputs: {},
    begin(name, given = {}) {
      const arn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`
      const execution: FakeExecution = {
        ...{ name, arn, status: 'RUNNING', input: '{}', outputs: [], startDate: Date.now() / 1000 },
        ...given,
      }
      executions.set(arn, execution)
      return execution
    },
    onStart: () => {},
    onLogRead: () => {},
    async stop() {
      server.closeAllConnections()
      server.close()
      await s3.stop()
    },
  }
  return aws
}

type Body = Readonly<Record<string, string>>

/** Type and text; no text where there is no such execution. */
async function answerTo(request: IncomingMessage, aws: FakeAws): Promise<readonly [string, string | undefined]> {
  let body = ''
  for await (const chunk of request) body += chunk
  const target = String(request.headers['x-amz-target'] ?? '')
  if (target === '') return ['text/xml', stackAnswer(aws)]
  const answer = jsonAnswer(target.split('.')[1] ?? '', JSON.parse(body) as Body, aws)
  return ['application/x-amz-json-1.0', answer && JSON.stringify(answer)]
}

function jsonAnswer(action: string, body: Body, aws: FakeAws): object | undefined {
  const execution = aws.executions.get(body.executionArn ?? '')
  switch (action) {
    case 'FilterLogEvents':
      if (body.logGroupName !== 'commit') return { events: [] }
      aws.onLogRead()
      return { events: aws.lines }
    case 'ListExecutions': {
      const all = [...aws.executions.values()].filter(each => (body.statusFilter ?? each.status) === each.status)
      return { executions: all.map(told).reverse() }
    }
    case 'StartExecution': {
      const started = aws.begin(body.name ?? '', { input: body.input ?? '' })
      aws.onStart(started)
      return { executionArn: started.arn, startDate: started.startDate }
    }
    case 'StopExecution':
      if (execution) Object.assign(execution, { status: 'ABORTED', stopDate: Date.now() / 1000 })
      return { stopDate: Date.now() / 1000 }
    case 'GetExecutionHistory':
      return { events: execution?.outputs.map(leftState) }
    default:
      return execution && { ...told(execution), input: execution.input }
  }
}

const told = ({ name, arn, status, startDate, stopDate }: FakeExecution) => ({
  ...{ name, executionArn: arn, stateMachineArn, status, startDate, stopDate },
})

const leftState = (output: object, index: number) => ({
  ...{ id: index + 1, timestamp: 0, type: 'TaskStateExited' },
  stateExitedEventDetails: { name: 'state', output: JSON.stringify(output) },
})

function stackAnswer(aws: FakeAws): string {
  const outputs = {
    ...{ GridPipeline: 'grid', GridStateMachineArn: stateMachineArn, GridInput: 's3://uploads/' },
    ...{ GridOutput: 's3://lake/', GridLogGroups: 'plan,process,commit' },
    ...aws.outputs,
  }
  const entries = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  const stack = `<StackName>Lake</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${entries.join('')}</Outputs>`
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>${stack}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
}
