/** Starts executions of one state machine; its client is loaded by the first request. */
import type { SFNClient } from '@aws-sdk/client-sfn'

let opened: Promise<{ readonly sdk: typeof import('@aws-sdk/client-sfn'); readonly client: SFNClient }> | undefined

/** The same name with the same input is started once. @throws as the SDK, which tries again what may pass */
export async function startExecution(stateMachineArn: string, name: string, input: unknown): Promise<void> {
  opened ??= import('@aws-sdk/client-sfn').then(sdk => ({ sdk, client: new sdk.SFNClient({ maxAttempts: 5 }) }))
  const { sdk, client } = await opened
  const given = { stateMachineArn, name, input: JSON.stringify(input) }
  await client.send(new sdk.StartExecutionCommand(given)).catch((error: Error) => {
    // It ran to its end already: it was started by the same messages.
    if (error.name !== 'ExecutionAlreadyExists') throw error
  })
}
