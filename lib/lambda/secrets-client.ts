/** The requests to Secrets Manager. No other file loads the AWS SDK for it. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** Timeout of a request, which usually takes milliseconds; the SDK retries it twice. */
const answerMs = 10_000

/** Returns a function that reads a secret by name or ARN, with the region and credentials of the environment. It returns undefined for a binary secret. */
export function openSecretsClient(): (id: string) => Promise<string | undefined> {
  const client = new SecretsManagerClient({
    requestHandler: { connectionTimeout: 5_000, requestTimeout: answerMs, throwOnRequestTimeout: true },
  })
  return async id => (await client.send(new GetSecretValueCommand({ SecretId: id }))).SecretString
}
