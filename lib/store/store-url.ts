/** Parses and writes the address of a store: a folder, or `s3://bucket/prefix`. */
import { PermanentError } from '../errors/errors.ts'

/** A place in S3; the prefix is empty or ends in `/`. */
export interface S3Place {
  readonly bucket: string
  readonly prefix: string
}

/** Parses an `s3://` address; undefined for a folder. @throws USAGE for other schemes and for names that no bucket can have */
export function parseStoreUrl(text: string): S3Place | undefined {
  const [, scheme, rest = ''] = /^([a-z][a-z\d+.-]+):\/\/(.*)$/i.exec(text) ?? []
  if (scheme === undefined) return undefined
  if (scheme.toLowerCase() !== 's3') throw wrong(text, `an address of the kind ${scheme}`)
  const [bucket = '', ...folders] = rest.split('/')
  if (!bucketName.test(bucket)) throw wrong(text, `the bucket ${JSON.stringify(bucket)}`)
  const unsupported = unsupportedBucketKind(bucket)
  if (unsupported !== undefined) {
    const message = `${text}: expected a general purpose bucket, got ${unsupported}; use a bucket of the usual kind`
    throw new PermanentError('USAGE', message, { text, bucket })
  }
  while (folders.at(-1) === '') folders.pop()
  if (folders.some(folder => folder === '' || folder === '.' || folder === '..'))
    throw wrong(text, 'an empty or relative folder in it')
  return { bucket, prefix: folders.map(folder => `${folder}/`).join('') }
}

/** Returns the address of a place, without a slash at its end. */
export function formatStoreUrl({ bucket, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}`.replace(/\/$/, '')
}

/**
 * Returns the kind of a bucket that cannot be used, by the ending that S3 reserves for it; undefined for others.
 * Directory buckets list without order, and have neither versions nor events.
 */
export function unsupportedBucketKind(bucket: string): string | undefined {
  return reservedEndings.find(([ending]) => bucket.endsWith(ending))?.[1]
}

const reservedEndings = [
  ['--x-s3', 'a directory bucket (S3 Express One Zone)'],
  ['--table-s3', 'a table bucket (S3 Tables)'],
  ['--ol-s3', 'an Object Lambda access point'],
] as const

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; access point names and ARNs pass as well */
const bucketName = /^(?:[a-z\d][a-z\d.-]{1,61}[a-z\d]|arn:[\w:.-]+)$/

function wrong(text: string, got: string): PermanentError {
  return new PermanentError('USAGE', `expected a folder or s3://bucket/prefix, got ${got} in ${text}`, { text })
}
