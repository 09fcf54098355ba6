import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe } from 'vitest'
import { openStore } from '../../lib/io/open-store.ts'
import { storeSuite } from '../io/store.suite.ts'
import { endpoint } from './environment.ts'

describe.skipIf(!endpoint)('on LocalStack', () => {
  const bucket = `stores-${randomUUID()}`
  beforeAll(async () => {
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: bucket }))
  })

  storeSuite('S3', () => openStore({ kind: 's3', bucket, prefix: `${randomUUID()}/` }))
})
