/** Starts executions of one state machine. */
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'

let client: SFNClient | undefined

/** Starts an execution once per name and input. @throws as the SDK, which retries transient errors */
export async function startExecution(stateMachineArn: string, name: string, input: unknown): Promise<void> {
  client ??= new SFNClient({ maxAttempts: 5 })
  const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) })
  await client.send(command).catch((error: Error) => {
    // An execution of this name has already ended: the same messages had started it.
    if (error.name !== 'ExecutionAlreadyExists') throw error
  })
}
