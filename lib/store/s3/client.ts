/** The requests to S3. No other file loads the AWS SDK for S3. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListPartsCommand,
  type ListPartsCommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import { sendBody } from './digest.ts'
import { sendUnpaid } from './requester-pays.ts'

export interface S3ClientOptions {
  /** Default: `AWS_REGION`, then the profile's region, then us-east-1, from where S3 redirects. */
  readonly region?: string | undefined
  /** Profile of the shared configuration files; default as the SDK finds credentials. */
  readonly profile?: string | undefined
  /** Address to use instead of S3's own; objects are then addressed by path. */
  readonly endpoint?: string | undefined
}

export type S3Calls = ReturnType<typeof openS3Client>

/** Above the number of reads and uploads that one process has in flight. */
const socketsMax = 256
/** S3 answers an accepted request in a fraction of this; beyond it a retry is cheaper than waiting. */
const answerMs = 12_000
/** Minimum speed of an upload before it is retried. */
const uploadBytesPerMs = 50
/** Time without a byte after which a body is resumed. */
const idleMs = 60_000

/** Agrees to pay for a request to a bucket with Requester Pays. */
const asPayer = { RequestPayer: 'requester' } as const

/** Each call is one request (`sendBody` may send two, and so does `sendUnpaid` where access is denied): the store retries, because it knows which requests may be sent again. */
export function openS3Client({ region, profile, endpoint }: S3ClientOptions) {
  const agent = { keepAlive: true, maxSockets: socketsMax }
  const client = new S3Client({
    ...(region && { region }),
    ...(profile && { profile }),
    ...(endpoint && { endpoint, forcePathStyle: true }),
    maxAttempts: 1,
    followRegionRedirects: true,
    // The bodies are signed with their SHA-256; trailing checksums would have to be repeated when an upload completes.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      socketTimeout: idleMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  })
  return {
    /** The SDK learns by how much the clock of S3 differs. */
    now: () => Date.now() + client.config.systemClockOffset,
    get: (input: GetObjectCommandInput, abortSignal?: AbortSignal) => {
      const get = (options: Partial<GetObjectCommandInput> = {}) =>
        client.send(new GetObjectCommand({ ...input, ...options }), { abortSignal })
      const getAsPayer = () => get({ Range: 'bytes=0-0', ...asPayer }).then(({ Body }) => Body?.transformToByteArray())
      return sendUnpaid(get, getAsPayer)
    },
    head: (input: HeadObjectCommandInput, abortSignal?: AbortSignal) =>
      client.send(new HeadObjectCommand(input), { abortSignal }),
    list: (input: ListObjectsV2CommandInput, abortSignal?: AbortSignal) => {
      const list = (options: Partial<ListObjectsV2CommandInput> = {}) =>
        client.send(new ListObjectsV2Command({ ...input, ...options }), { abortSignal })
      return sendUnpaid(list, () => list({ MaxKeys: 1, ...asPayer }))
    },
    put: (input: PutObjectCommandInput) =>
      sendBody(input, body => client.send(new PutObjectCommand(body), uploading(body))),
    remove: (input: DeleteObjectCommandInput) => client.send(new DeleteObjectCommand(input)),
    openUpload: (input: CreateMultipartUploadCommandInput) => client.send(new CreateMultipartUploadCommand(input)),
    uploadPiece: (input: UploadPartCommandInput) =>
      sendBody(input, body => client.send(new UploadPartCommand(body), uploading(body))),
    listPieces: (input: ListPartsCommandInput) => client.send(new ListPartsCommand(input)),
    completeUpload: (input: CompleteMultipartUploadCommandInput) =>
      client.send(new CompleteMultipartUploadCommand(input)),
    abortUpload: (input: ListPartsCommandInput) => client.send(new AbortMultipartUploadCommand(input)),
    listUploads: (input: ListMultipartUploadsCommandInput, abortSignal?: AbortSignal) =>
      client.send(new ListMultipartUploadsCommand(input), { abortSignal }),
  }
}

/** Allows time to answer and to send the body. */
const uploading = ({ ContentLength = 0 }: PutObjectCommandInput | UploadPartCommandInput) => ({
  requestTimeout: answerMs + ContentLength / uploadBytesPerMs,
})
