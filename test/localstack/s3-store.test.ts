import { randomUUID } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../lib/store/open-store.ts'
import { storeSuite } from '../store/store.suite.ts'
import { endpoint } from './environment.ts'

describe.skipIf(!endpoint)('on LocalStack', () => {
  const bucket = `stores-${randomUUID()}`
  beforeAll(async () => {
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: bucket }))
  })

  storeSuite('S3', () => openStore({ kind: 's3', bucket, prefix: `${randomUUID()}/` }))

  // There is no object with a KMS key, because the emulator's KMS does not answer.
  it('returns the checksum of a whole object, and whether its ETag depends only on the content', async () => {
    const client = new S3Client({ forcePathStyle: true })
    const at = { Bucket: bucket, Key: randomUUID() }
    const store = openStore({ kind: 's3', bucket, prefix: '' })
    const marks = async () => store.inspect?.((await store.stat(at.Key))!)
    await client.send(new PutObjectCommand({ ...at, Body: 'rows', ChecksumAlgorithm: 'SHA1' }))
    expect(await marks()).toEqual({ checksum: 'sha1:bDDSYVOSNQBdrHhVKrB33kJmEzI=', etagOf: 'content' })

    const crc32 = { ChecksumAlgorithm: 'CRC32' } as const
    const open = { ...at, ...crc32, ChecksumType: 'FULL_OBJECT' } as const
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(open))
    const piece = { ...at, ...crc32, UploadId, PartNumber: 1 }
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...piece, Body: 'rows' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] }
    const whole = { ChecksumType: 'FULL_OBJECT', ChecksumCRC32 } as const
    await client.send(new CompleteMultipartUploadCommand({ ...at, ...whole, UploadId, MultipartUpload }))
    expect(await marks()).toEqual({ checksum: 'crc32:Cov0oQ==', etagOf: 'pieces' })
  })
})
