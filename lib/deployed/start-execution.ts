/** Starts executions of one state machine. */

import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { nothingIf } from '../errors/expected.ts'

let client: SFNClient | undefined

/** Starts an execution once per name and input. @throws as the SDK, which retries transient errors */
export async function startExecution(stateMachineArn: string, name: string, input: unknown): Promise<void> {
  client ??= new SFNClient({ maxAttempts: 5 })
  const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) })
  // An execution of this name may have ended already: the same messages had started it.
  await client.send(command).catch(nothingIf(error => (error as Error).name === 'ExecutionAlreadyExists'))
}
