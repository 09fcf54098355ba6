/** States that call services: the placeholders in a definition, and the invocation of a function. */
import { graceSeconds } from './batch-timeout.ts'
import { crashRetry, functionRetries } from './state-retries.ts'

export type State = Readonly<Record<string, unknown>>

export interface States {
  readonly StartAt: string
  readonly States: Readonly<Record<string, State>>
}

/**
 * Placeholders `${name}` for values that only a deployment knows: ARNs of functions and of integrations. Each is a whole value,
 * because validators of definitions and of templates refuse one within a text.
 */
export const substitutions = {
  plan: 'PlanFunction',
  commit: 'CommitFunction',
  graph: 'GraphFunction',
  process: (tier: number) => `ProcessFunction${tier + 1}`,
  integration: (name: string) =>
    name.replace(/(?:^|[^a-zA-Z\d]+)([a-zA-Z\d])/g, (_, first: string) => first.toUpperCase()),
} as const

/** The services that states of every pipeline call, as in `arn:aws:states:::lambda:invoke`. */
export const integrationNames = ['lambda:invoke', 's3:getObject', 'states:startExecution'] as const

export const integration = (name: string): string => `\${${substitutions.integration(name)}}`

export interface InvokeOptions {
  /** Timeout of the functions. */
  readonly functionTimeoutSeconds: number
}

export function invoke(functionName: string, payload: State, { functionTimeoutSeconds }: InvokeOptions): State {
  return {
    Type: 'Task',
    Resource: integration('lambda:invoke'),
    Parameters: { FunctionName: `\${${functionName}}`, Payload: payload },
    TimeoutSeconds: functionTimeoutSeconds + graceSeconds,
  }
}

/** Invokes a function that continues where it stopped, and has no larger tier. */
export function invokeAgain(functionName: string, payload: State, options: InvokeOptions): State {
  return { ...invoke(functionName, payload, options), Retry: [...functionRetries, crashRetry] }
}

/** Reads the items of a Map from a JSON file. */
export const itemsAt = (bucketPath: string, keyPath: string): State => ({
  Resource: integration('s3:getObject'),
  ReaderConfig: { InputType: 'JSON' },
  Parameters: { 'Bucket.$': bucketPath, 'Key.$': keyPath },
})

/** Children have histories of their own, so that the history of an execution does not grow with them. */
export const distributed = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } as const

/** Lets failed children fail visibly without stopping the others: more than any Map has. */
export const failuresTolerated = 1_000_000
