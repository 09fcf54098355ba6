/** The requests that operate a deployed pipeline. No other file loads the AWS SDK for CloudFormation and CloudWatch Logs. */
import type { StackStatus } from '@aws-sdk/client-cloudformation'
import type { DescribeExecutionOutput, ExecutionListItem, ExecutionStatus } from '@aws-sdk/client-sfn'
import { nothingIf } from '../errors/expected.ts'
import type { RootAccess } from '../store/roots.ts'
import { type AwsAct, awsFault } from './aws-fault.ts'
import type { LogEvent } from './log-lines.ts'

/** One execution of a state machine. */
export interface Execution {
  readonly arn: string
  readonly name: string
  readonly status: 'running' | 'succeeded' | 'failed' | 'timed out' | 'stopped'
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string
}

export interface ExecutionDetail extends Execution {
  readonly stateMachineArn: string
  readonly input?: string
  readonly error?: string
  readonly cause?: string
}

export type EndedBadly = 'failed' | 'timed out' | 'stopped'

/** Every method throws AWS_REFUSED, AWS_FAILED (as TransientError when it may succeed later), or USAGE when no region is known. */
export interface AwsControl {
  /** Returns outputs by name; undefined when there is no such stack. */
  stackOutputs(stack: string): Promise<Readonly<Record<string, string>> | undefined>
  /** Returns the names of the existing stacks, at most a thousand. */
  stackNames(): Promise<string[]>
  start(stateMachineArn: string, given: { readonly name: string; readonly input: unknown }): Promise<Execution>
  /** Returns undefined for an unknown execution; Step Functions forgets one 90 days after its end. */
  describe(arn: string): Promise<ExecutionDetail | undefined>
  /** Returns at most `max` executions, the latest start first. */
  list(
    stateMachineArn: string,
    options: { readonly status?: 'running' | EndedBadly; readonly max: number },
  ): Promise<Execution[]>
  stop(arn: string, cause: string): Promise<void>
  /** Returns the outputs of the finished states in order, as JSON. */
  stateOutputs(arn: string): Promise<string[]>
  /** Yields events in order of time; `from` and `to` are milliseconds since 1970. Memory: a page of at most 1 MB. */
  logEvents(group: string, range: { readonly from: number; readonly to?: number }): AsyncGenerator<StoredLogEvent>
}

export interface StoredLogEvent extends LogEvent {
  readonly id: string
}

/** Loads each client of the SDK with the first request that needs it. */
export function openControl(options: RootAccess): AwsControl {
  const { cloudFormation, states, logs } = clientsOf(options)
  return { ...stackCalls(cloudFormation), ...executionCalls(states), ...logCalls(logs) }
}

/** Options of every client; the SDK retries with backoff. */
const common = { maxAttempts: 5, requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 } }

function clientsOf({ profile, region }: RootAccess) {
  const given = { ...common, profile, region }
  return {
    cloudFormation: requests(async () => {
      const sdk = await import('@aws-sdk/client-cloudformation')
      return { sdk, client: new sdk.CloudFormationClient(given) }
    }),
    states: requests(async () => {
      const sdk = await import('@aws-sdk/client-sfn')
      return { sdk, client: new sdk.SFNClient(given) }
    }),
    logs: requests(async () => {
      const sdk = await import('@aws-sdk/client-cloudwatch-logs')
      return { sdk, client: new sdk.CloudWatchLogsClient(given) }
    }),
  }
}

type Clients = ReturnType<typeof clientsOf>

/** Returns a function that makes requests with the client that `open` returns the first time. It throws as the methods of `AwsControl`. */
function requests<Client>(open: () => Promise<Client>) {
  let opened: Promise<Client> | undefined
  return async <T>(act: AwsAct, call: (client: Client) => Promise<T>): Promise<T> => {
    try {
      opened ??= open()
      return await call(await opened)
    } catch (error) {
      throw awsFault(error, act)
    }
  }
}

function stackCalls(request: Clients['cloudFormation']): Pick<AwsControl, 'stackOutputs' | 'stackNames'> {
  return {
    async stackOutputs(stack) {
      const act = { verb: 'look at stack', action: 'cloudformation:DescribeStacks', on: stack }
      return request(act, async ({ sdk, client }) => {
        const command = new sdk.DescribeStacksCommand({ StackName: stack })
        const answer = await client.send(command).catch(nothingIf(isNoStack))
        const outputs = answer?.Stacks?.[0]?.Outputs ?? []
        return answer && Object.fromEntries(outputs.map(each => [each.OutputKey ?? '', each.OutputValue ?? '']))
      })
    },
    async stackNames() {
      const act = { verb: 'list stacks', action: 'cloudformation:ListStacks', on: 'this account' }
      return request(act, async ({ sdk, client }) => {
        const names: string[] = []
        const pages = sdk.paginateListStacks({ client }, { StackStatusFilter: existing })
        for await (const { StackSummaries = [] } of pages) {
          names.push(...StackSummaries.map(each => each.StackName ?? ''))
          if (names.length >= stackNamesMax) break
        }
        return names
      })
    },
  }
}

const stackNamesMax = 1000

const existing: StackStatus[] = [
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_ROLLBACK_COMPLETE',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'IMPORT_COMPLETE',
]

function executionCalls(
  request: Clients['states'],
): Pick<AwsControl, 'start' | 'describe' | 'list' | 'stop' | 'stateOutputs'> {
  return {
    start: (stateMachineArn, { name, input }) =>
      request({ verb: 'start', action: 'states:StartExecution', on: stateMachineArn }, async ({ sdk, client }) => {
        const given = { stateMachineArn, name, input: JSON.stringify(input) }
        const { executionArn: arn = '', startDate } = await client.send(new sdk.StartExecutionCommand(given))
        return { arn, name, status: 'running', startedAt: timeOf(startDate) }
      }),
    describe: arn =>
      request({ verb: 'look at execution', action: 'states:DescribeExecution', on: arn }, async ({ sdk, client }) => {
        const command = new sdk.DescribeExecutionCommand({ executionArn: arn })
        const found = await client.send(command).catch(nothingIf(isNoExecution))
        return found && detailOf(found)
      }),
    async list(stateMachineArn, { status, max }) {
      const act = { verb: 'list executions of', action: 'states:ListExecutions', on: stateMachineArn }
      return request(act, async ({ sdk, client }) => {
        const statusFilter = status && awsStatus[status]
        const found: Execution[] = []
        const given = { stateMachineArn, statusFilter, maxResults: Math.min(max, 1000) }
        for await (const { executions = [] } of sdk.paginateListExecutions({ client }, given)) {
          found.push(...executions.map(executionOf))
          if (found.length >= max) break
        }
        return found.slice(0, max)
      })
    },
    stop: (arn, cause) =>
      request({ verb: 'stop execution', action: 'states:StopExecution', on: arn }, async ({ sdk, client }) => {
        await client.send(new sdk.StopExecutionCommand({ executionArn: arn, cause }))
      }),
    async stateOutputs(arn) {
      const act = { verb: 'read the history of', action: 'states:GetExecutionHistory', on: arn }
      return request(act, async ({ sdk, client }) => {
        const outputs: string[] = []
        // At most 25,000 events, because the children of a Map have histories of their own.
        const given = { executionArn: arn, maxResults: 1000 }
        for await (const { events = [] } of sdk.paginateGetExecutionHistory({ client }, given))
          for (const { stateExitedEventDetails: exited } of events) if (exited?.output) outputs.push(exited.output)
        return outputs
      })
    },
  }
}

function logCalls(request: Clients['logs']): Pick<AwsControl, 'logEvents'> {
  return {
    async *logEvents(group, { from, to }) {
      const act = { verb: 'read log group', action: 'logs:FilterLogEvents', on: group }
      let nextToken: string | undefined
      do {
        const given = { logGroupName: group, startTime: from, endTime: to, nextToken }
        const page = await request(act, ({ sdk, client }) => client.send(new sdk.FilterLogEventsCommand(given)))
        // A page may hold the events of several streams one after another.
        const events = (page.events ?? []).toSorted((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0))
        for (const { eventId = '', timestamp = 0, message = '' } of events)
          yield { id: eventId, at: timestamp, text: message }
        nextToken = page.nextToken
      } while (nextToken !== undefined)
    },
  }
}

/** CloudFormation has no error code for a missing stack. */
const isNoStack = (error: unknown): boolean =>
  error instanceof Error && error.name === 'ValidationError' && error.message.includes('does not exist')

const isNoExecution = (error: unknown): boolean =>
  ['ExecutionDoesNotExist', 'InvalidArn'].includes((error as Error).name)

const awsStatus = { running: 'RUNNING', failed: 'FAILED', 'timed out': 'TIMED_OUT', stopped: 'ABORTED' } as const

const statusByAwsStatus: Readonly<Record<ExecutionStatus, Execution['status']>> = {
  RUNNING: 'running',
  PENDING_REDRIVE: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
  ABORTED: 'stopped',
}

function executionOf(found: Partial<ExecutionListItem>): Execution {
  const { executionArn: arn = '', name = '', status = 'RUNNING', startDate, stopDate } = found
  const endedAt = stopDate && timeOf(stopDate)
  return { arn, name, status: statusByAwsStatus[status], startedAt: timeOf(startDate), endedAt }
}

function detailOf(found: DescribeExecutionOutput): ExecutionDetail {
  const { stateMachineArn = '', input, error, cause } = found
  return { ...executionOf(found), stateMachineArn, input, error, cause }
}

const timeOf = (date: Date | undefined): string => (date ?? new Date(0)).toISOString()
