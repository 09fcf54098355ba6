/** The values of a task's secrets from AWS Secrets Manager: one signed request each, with the function's own credentials. */
import { createHash, createHmac } from 'node:crypto'
import { type FanmillError, PermanentError, TransientError } from '../core/errors.ts'
import type { TaskDefinition } from '../define/definition.ts'
import type { SecretValues } from './secrets.ts'

/** An answer takes milliseconds. */
const answerMs = 10_000

/** @throws SECRET_MISSING when one is not there, or may not be read; STORE_FAILED, transient, when the service fails */
export async function managedSecrets({
  name: task,
  secrets = {},
}: Pick<TaskDefinition, 'name' | 'secrets'>): Promise<SecretValues> {
  const values = Object.entries(secrets).map(
    async ([name, secret]) => [name, await readSecret(secret.name, task)] as const,
  )
  return Object.fromEntries(await Promise.all(values))
}

async function readSecret(name: string, task: string): Promise<string> {
  const body = JSON.stringify({ SecretId: name })
  const url = endpoint(process.env)
  let answer: Response
  try {
    const headers = signedHeaders({
      url,
      body,
      target: 'secretsmanager.GetSecretValue',
      now: new Date(),
      env: process.env,
    })
    answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(answerMs) })
  } catch (cause) {
    throw new TransientError('STORE_FAILED', `secret ${name}: Secrets Manager does not answer`, { name }, { cause })
  }
  const content = (await answer.json().catch(() => ({}))) as {
    readonly SecretString?: string
    readonly __type?: string
  }
  if (answer.ok && content.SecretString !== undefined) return content.SecretString
  throw fault(answer, { name, task, type: content.__type ?? 'no text in it' })
}

/** Says nothing of what the service answered but its name for the fault. */
function fault(
  { ok, status }: Response,
  { name, task, type }: { readonly name: string; readonly task: string; readonly type: string },
): FanmillError {
  const detail = { name, task, status }
  const said = `${status} ${type.replace(/^.*#/, '')}`
  if (!ok && (status >= 500 || status === 429 || /Throttl/i.test(type)))
    return new TransientError('STORE_FAILED', `secret ${name}: Secrets Manager answered ${said}`, detail)
  const mend = 'make it as text in Secrets Manager, and let the function read it'
  return new PermanentError('SECRET_MISSING', `task ${task}: expected secret ${name}, got ${said}; ${mend}`, detail)
}

function endpoint({
  AWS_ENDPOINT_URL_SECRETS_MANAGER,
  AWS_ENDPOINT_URL,
  AWS_REGION = 'us-east-1',
}: NodeJS.ProcessEnv): URL {
  const suffix = AWS_REGION.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(
    AWS_ENDPOINT_URL_SECRETS_MANAGER || AWS_ENDPOINT_URL || `https://secretsmanager.${AWS_REGION}.${suffix}`,
  )
}

export interface Signing {
  readonly url: URL
  readonly body: string
  readonly target: string
  readonly now: Date
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The headers of a POST to the service's root. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export function signedHeaders({ url, body, target, now, env }: Signing): Record<string, string> {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN, AWS_REGION = 'us-east-1' } = env
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: url.host,
    'x-amz-date': time,
    ...(AWS_SESSION_TOKEN && { 'x-amz-security-token': AWS_SESSION_TOKEN }),
    'x-amz-target': target,
  }
  const names = Object.keys(headers).sort()
  const signed = names.join(';')
  const lines = names.map(name => `${name}:${headers[name]}\n`).join('')
  const request = ['POST', '/', '', lines, signed, sha256(body)].join('\n')
  const scope = `${time.slice(0, 8)}/${AWS_REGION}/secretsmanager/aws4_request`
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${AWS_SECRET_ACCESS_KEY}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n')).toString('hex')
  const { host: _, ...sent } = headers
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
