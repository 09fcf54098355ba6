/** The requests to S3 that a store makes; the only file that loads the AWS SDK for S3. */
import type {
  CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommandInput,
  DeleteObjectCommandInput,
  GetObjectCommandInput,
  HeadObjectCommandInput,
  ListMultipartUploadsCommandInput,
  ListObjectsV2CommandInput,
  ListPartsCommandInput,
  PutObjectCommandInput,
  UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { sendBody } from './digest.ts'

export interface S3ClientOptions {
  /** Default as the SDK finds it: `AWS_REGION`, then the profile; then us-east-1, from where S3 redirects. */
  readonly region?: string
  /** Of the shared configuration files; default as the SDK finds credentials. */
  readonly profile?: string
  /** Takes the place of S3's own address; the objects are then addressed by path. */
  readonly endpoint?: string
}

export type S3Calls = ReturnType<typeof openS3Client>

/** More than the reads and uploads that one process has in flight. */
const socketsMax = 256
/** A request that was accepted answers in a fraction of this; a retry is then cheaper than waiting. */
const answerMs = 12_000
/** Slower than this an upload is as good as none. */
const uploadBytesPerMs = 50
/** Of a body whose bytes do not come, or are not taken; it is then resumed. */
const idleMs = 60_000

/** Each call is one request, except as `sendBody` says: retries are the store's, which knows what may be sent again. */
export function openS3Client({ region, profile, endpoint }: S3ClientOptions) {
  const agent = { keepAlive: true, maxSockets: socketsMax }
  const client = new S3Client({
    ...(region ? { region } : {}),
    ...(profile ? { profile } : {}),
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
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
    get: (input: GetObjectCommandInput, abortSignal?: AbortSignal) =>
      client.send(new GetObjectCommand(input), { abortSignal }),
    head: (input: HeadObjectCommandInput, abortSignal?: AbortSignal) =>
      client.send(new HeadObjectCommand(input), { abortSignal }),
    list: (input: ListObjectsV2CommandInput, abortSignal?: AbortSignal) =>
      client.send(new ListObjectsV2Command(input), { abortSignal }),
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

/** The time to answer, and to send the body. */
const uploading = ({ ContentLength = 0 }: PutObjectCommandInput | UploadPartCommandInput) => ({
  requestTimeout: answerMs + ContentLength / uploadBytesPerMs,
})
