/** Starts executions of one state machine. */
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'

let client: SFNClient | undefined

/** The same name with the same input is started once. @throws as the SDK, which tries again what may pass */
export async function startExecution(stateMachineArn: string, name: string, input: unknown): Promise<void> {
  client ??= new SFNClient({ maxAttempts: 5 })
  const command = new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) })
  await client.send(command).catch((error: Error) => {
    // It ran to its end already: it was started by the same messages.
    if (error.name !== 'ExecutionAlreadyExists') throw error
  })
}
