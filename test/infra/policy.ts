/** Decides as IAM does whether a synthesized role allows a request to S3. */
import type { S3Request } from '../store/s3/server.ts'
import type { Statement } from './stacks.ts'

/** One permission that a request needs. */
export interface Permission {
  readonly action: string
  readonly resource: string
  /** Values of condition keys; undefined for keys that the request does not have. */
  readonly context: Readonly<Record<string, string>>
}

/** Tells whether some statement allows the permission and none denies it. */
export function isAllowed(statements: readonly Statement[], permission: Permission): boolean {
  const matching = statements.filter(statement => matches(statement, permission))
  return matching.length > 0 && matching.every(({ Effect }) => Effect === 'Allow')
}

/** Returns the permissions that a request needs. S3 answers 404 for a missing key only when the role may list the bucket. */
export function permissionsOf(request: S3Request, { isMissing }: { readonly isMissing: boolean }): Permission[] {
  const { method, bucket, key, query, headers } = request
  const bucketArn = `arn:aws:s3:::${bucket}`
  const on = (action: string, context = {}): Permission => ({ action, resource: `${bucketArn}/${key}`, context })
  const list = (prefix: string): Permission => {
    return { action: 's3:ListBucket', resource: bucketArn, context: { 's3:prefix': prefix } }
  }
  if (key === '' && query.has('uploads'))
    return [{ action: 's3:ListBucketMultipartUploads', resource: bucketArn, context: {} }]
  if (key === '') return [list(query.get('prefix') ?? '')]
  const created = (isObject: boolean) => ({
    's3:ObjectCreationOperation': String(isObject),
    ...(headers['if-none-match'] && { 's3:if-none-match': headers['if-none-match'] }),
    ...(headers['if-match'] && { 's3:if-match': headers['if-match'] }),
  })
  if (query.has('uploads')) return [on('s3:PutObject', created(false))]
  if (query.has('uploadId')) {
    if (method === 'DELETE') return [on('s3:AbortMultipartUpload')]
    if (method === 'GET') return [on('s3:ListMultipartUploadParts')]
    return [on('s3:PutObject', created(method === 'POST'))]
  }
  if (method === 'PUT') return [on('s3:PutObject', created(true)), ...(headers['if-match'] ? [on('s3:GetObject')] : [])]
  if (method === 'DELETE') return [on('s3:DeleteObject')]
  return [on('s3:GetObject'), ...(isMissing ? [list(key)] : [])]
}

function matches({ Action, Resource, Condition }: Statement, { action, resource, context }: Permission): boolean {
  return (
    Action.some(pattern => isLike(pattern, action)) &&
    Resource.some(pattern => isLike(pattern, resource)) &&
    Object.entries((Condition ?? {}) as Conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => isMet(operator, [values].flat(), context[key])),
    )
  )
}

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

function isMet(operator: string, values: readonly string[], got: string | undefined): boolean {
  if (operator === 'StringLike') return got !== undefined && values.some(pattern => isLike(pattern, got))
  if (operator === 'StringEquals' || operator === 'Bool') return got !== undefined && values.includes(got)
  if (operator === 'Null') return values.includes(String(got === undefined))
  throw new Error(`expected a condition operator that this test knows, got ${operator}`)
}

function isLike(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}
