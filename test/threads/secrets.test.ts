/** Secrets: from the environment, and from a server that answers as Secrets Manager does. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { secret } from '../../lib/define/secret.ts'
import { managedSecrets } from '../../lib/lambda/aws-secrets.ts'
import { environmentSecrets } from '../../lib/threads/secrets.ts'

const task = { name: 'weather', secrets: { api: secret('weather/api-key') } }

describe('environmentSecrets', () => {
  it('reads the variable with the name in upper case', () => {
    process.env.WEATHER_API_KEY = 'sesame'
    expect(environmentSecrets(task)).toEqual({ api: 'sesame' })
    delete process.env.WEATHER_API_KEY
  })

  it('names the variable that is not set', () => {
    expect(() => environmentSecrets(task)).toThrow(/WEATHER_API_KEY/)
  })
})

describe('managedSecrets', () => {
  let server: Server | undefined
  /** Environment variables as Lambda sets them. */
  const environment = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example' }
  const before = { ...process.env }
  beforeEach(() => {
    Object.assign(process.env, environment)
  })
  afterEach(() => {
    server?.close()
    process.env = { ...before }
  })

  it('requests each secret by name', async () => {
    const requests: string[] = []
    await serve((body, target) => {
      requests.push(`${target} ${body}`)
      return { status: 200, body: { SecretString: 'sesame' } }
    })
    expect(await managedSecrets(task)).toEqual({ api: 'sesame' })
    expect(requests).toEqual(['secretsmanager.GetSecretValue {"SecretId":"weather/api-key"}'])
  })

  it('signs requests with the credentials and region of the function', async () => {
    const signatures: string[] = []
    await serve((_, __, authorization) => {
      signatures.push(authorization)
      return { status: 200, body: { SecretString: 'sesame' } }
    })
    await managedSecrets(task)
    expect(signatures).toEqual([
      expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/secretsmanager\/aws4_request/,
      ),
    ])
  })

  it('requests a secret by its ARN when it was passed to the construct', async () => {
    const requests: string[] = []
    await serve(body => {
      requests.push(body)
      return { status: 200, body: { SecretString: 'sesame' } }
    })
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:generated-a1b2c3'
    expect(await managedSecrets(task, { 'weather/api-key': arn })).toEqual({ api: 'sesame' })
    expect(requests).toEqual([JSON.stringify({ SecretId: arn })])
  })

  it('refuses a missing secret without revealing any value', async () => {
    await serve(() => ({ status: 400, body: { __type: 'ResourceNotFoundException', Message: 'sesame' } }))
    await expect(managedSecrets(task)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'SECRET_MISSING',
      message: expect.not.stringContaining('sesame'),
    })
  })

  it('names the KMS key as a possible reason', async () => {
    await serve(() => ({
      status: 400,
      body: { __type: 'AccessDeniedException', Message: 'Access to KMS is not allowed' },
    }))
    await expect(managedSecrets(task)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('pass a secret with an encryption key of its own to the construct'),
    })
  })

  it('retries after a fault of the service', async () => {
    let count = 0
    await serve(() => {
      count++
      return { status: 500, body: { __type: 'InternalServiceError' } }
    })
    await expect(managedSecrets(task)).rejects.toMatchObject({ name: 'TransientError', code: 'STORE_FAILED' })
    expect(count).toBe(3)
  })

  it('reports a missing answer as a TransientError', async () => {
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = 'http://127.0.0.1:1'
    await expect(managedSecrets(task)).rejects.toMatchObject({ name: 'TransientError', code: 'STORE_FAILED' })
  })

  it('sends no request when the task has no secrets', async () => {
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = 'http://127.0.0.1:1'
    expect(await managedSecrets({ name: 'plain', secrets: undefined })).toEqual({})
  })

  type Answer = (body: string, target: string, authorization: string) => { status: number; body: unknown }

  async function serve(answer: Answer): Promise<void> {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { 'x-amz-target': target, authorization } = request.headers
      const { status, body } = answer(Buffer.concat(chunks).toString(), String(target), String(authorization))
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
    })
    const listening = server
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  }
})
