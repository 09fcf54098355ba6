/** Sends the MD5 digest of a body to buckets that require one: those with Object Lock and a default retention. */
import { createHash } from 'node:crypto'
import { statusOf } from '../network-fault.ts'

export interface BodyInput {
  readonly Bucket: string | undefined
  readonly ContentMD5?: string | undefined
}

/** Buckets that refused a body without a digest in this process. */
const digestBuckets = new Set<string>()

/**
 * Sends a body without a digest, and again with one when the bucket refuses it for that reason. Later bodies for that bucket are
 * sent with a digest at once. Requests: one, and one more for the first body of such a bucket.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
 */
export async function sendBody<Input extends BodyInput, Answer>(
  input: Input & { readonly Body?: unknown },
  send: (input: Input) => Promise<Answer>,
): Promise<Answer> {
  const { Bucket: bucket = '', Body: body } = input
  if (!(body instanceof Uint8Array)) return send(input)
  const withDigest = (): Input => ({ ...input, ContentMD5: createHash('md5').update(body).digest('base64') })
  if (digestBuckets.has(bucket)) return send(withDigest())
  try {
    return await send(input)
  } catch (error) {
    if (!isDigestMissing(error)) throw error
    digestBuckets.add(bucket)
    return send(withDigest())
  }
}

/** S3: "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters". */
function isDigestMissing(error: unknown): boolean {
  return statusOf(error) === 400 && error instanceof Error && /Content-MD5.* is required/i.test(error.message)
}
