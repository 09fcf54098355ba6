import { expect, it, onTestFinished } from 'vitest'
import { s3Store } from '../../../lib/store/s3/store.ts'
import { startS3Server } from './server.ts'

it('tells the time of S3 where that of the machine is wrong', async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  const server = await startS3Server()
  onTestFinished(() => server.stop())
  const { endpoint } = server
  const store = s3Store({ kind: 's3', bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint })
  server.aheadMs = 30 * 86_400_000
  expect(await store.stat('a')).toBeUndefined()
  expect(Math.abs(store.now() - Date.now() - server.aheadMs)).toBeLessThan(3_600_000)
})
