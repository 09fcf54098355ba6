/** The requests to Secrets Manager; the only file that loads the AWS SDK for it. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** An answer takes milliseconds; the SDK asks again, twice. */
const answerMs = 10_000

/** Reads texts by name or ARN, in the region and with the credentials of the environment; undefined for a secret that is no text. */
export function openSecretsClient(): (id: string) => Promise<string | undefined> {
  const client = new SecretsManagerClient({
    requestHandler: { connectionTimeout: 5_000, requestTimeout: answerMs, throwOnRequestTimeout: true },
  })
  return async id => (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString
}
