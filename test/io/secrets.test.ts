/** Secrets: from the environment, and from a server that answers as Secrets Manager does. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { secret } from '../../lib/define/secret.ts'
import { managedSecrets, signedHeaders } from '../../lib/io/aws-secrets.ts'
import { environmentSecrets } from '../../lib/io/secrets.ts'

const task = { name: 'weather', secrets: { api: secret('weather/api-key') } }

describe('environmentSecrets', () => {
  it('reads the variable of the name in upper case', () => {
    process.env.WEATHER_API_KEY = 'sesame'
    expect(environmentSecrets(task)).toEqual({ api: 'sesame' })
    delete process.env.WEATHER_API_KEY
  })

  it('names the variable that is not set', () => {
    expect(() => environmentSecrets(task)).toThrow(/WEATHER_API_KEY/)
  })
})

describe('managedSecrets', () => {
  let server: Server
  afterEach(() => {
    server.close()
    delete process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER
  })

  it('asks for each secret by name', async () => {
    const asked: string[] = []
    await serve((body, target) => {
      asked.push(`${target} ${body}`)
      return { status: 200, body: { SecretString: 'sesame' } }
    })
    expect(await managedSecrets(task)).toEqual({ api: 'sesame' })
    expect(asked).toEqual(['secretsmanager.GetSecretValue {"SecretId":"weather/api-key"}'])
  })

  it('refuses one that is not there, and says nothing of a secret', async () => {
    await serve(() => ({ status: 400, body: { __type: 'ResourceNotFoundException', Message: 'sesame' } }))
    await expect(managedSecrets(task)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'SECRET_MISSING',
      message: expect.not.stringContaining('sesame'),
    })
  })

  it('takes a fault of the service for one that passes', async () => {
    await serve(() => ({ status: 500, body: { __type: 'InternalServiceError' } }))
    await expect(managedSecrets(task)).rejects.toMatchObject({ name: 'TransientError' })
  })

  async function serve(answer: (body: string, target: string) => { status: number; body: unknown }): Promise<void> {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { status, body } = answer(Buffer.concat(chunks).toString(), String(request.headers['x-amz-target']))
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})

describe('signedHeaders', () => {
  it('signs as the AWS SDK does', () => {
    const { authorization } = signedHeaders({
      url: new URL('https://secretsmanager.eu-central-1.amazonaws.com'),
      body: '{"SecretId":"weather/api-key"}',
      target: 'secretsmanager.GetSecretValue',
      now: new Date('2001-02-03T04:05:06Z'),
      env: {
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
        AWS_SESSION_TOKEN: 'session/token==',
        AWS_REGION: 'eu-central-1',
      },
    })
    // As @smithy/signature-v4 gave for the same request.
    expect(authorization).toContain('Signature=021ff9ea6d7d97766e0e28c3909867c688a0921f8be5e80da85ee5a96b5b148a')
  })
})
