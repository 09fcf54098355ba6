/** A small S3 server over HTTP that produces faults on demand: cut bodies, refusals, lost answers. */
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The fault of one request. */
export type Fault =
  /** Refused before it has an effect. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** The effect happens, the answer does not come. */
  | { readonly kind: 'lose' }
  /** The connection breaks after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Like `cut`, but the body ends as if it were whole. */
  | { readonly kind: 'short'; readonly afterBytes: number }
  /** A body that says that the request failed, under status 200. */
  | { readonly kind: 'lie'; readonly code: string }

export interface S3Request {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** From 1, of all requests. */
  readonly number: number
}

export interface S3Server {
  readonly endpoint: string
  readonly requests: S3Request[]
  readonly objects: Map<string, S3Object>
  /** Asked for each request. */
  fault: (request: S3Request) => Fault | undefined
  /** Milliseconds by which the clock of the server is ahead. */
  aheadMs: number
  /** Requests that it takes; others are refused with 503 SlowDown, as S3 does for each prefix. Default: all. */
  rate: { readonly perSecond: number; readonly burst: number } | undefined
  /** Whether its buckets have Object Lock with a default retention: bodies must come with a digest. */
  hasObjectLock: boolean
  /** Whether who reads its buckets must agree to pay. */
  isRequesterPays: boolean
  stop(): Promise<void>
}

interface S3Object {
  readonly bytes: Buffer
  readonly etag: string
  readonly token: string
  /** Told of it as well; checksums to who asks for them. */
  readonly headers?: Readonly<Record<string, string>>
}

interface Upload {
  readonly key: string
  readonly token: string
  readonly pieces: Map<number, Buffer>
}

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

const pageMax = 3

/** Any bucket is the same; listings have pages of three. */
export async function startS3Server(): Promise<S3Server> {
  const state = { objects: new Map<string, S3Object>(), uploads: new Map<string, Upload>() }
  const server = createServer((request, response) => void serve(request, response))
  const own: S3Server = {
    ...{ endpoint: '', requests: [], objects: state.objects, aheadMs: 0, hasObjectLock: false, rate: undefined },
    ...{ isRequesterPays: false, fault: () => undefined, stop },
  }
  const isTaken = tokenBucket()
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await read(request, own.requests.length + 1)
    own.requests.push(received)
    response.setHeader('date', new Date(Date.now() + own.aheadMs).toUTCString())
    const fault = own.fault(received)
    if (own.rate && !isTaken(own.rate)) return send(response, failure(503, 'SlowDown'))
    if (fault?.kind === 'refuse') return send(response, failure(fault.status, fault.code))
    if (own.isRequesterPays && !received.headers['x-amz-request-payer'])
      return send(response, failure(403, 'AccessDenied'))
    const answer = (own.hasObjectLock && refuseBody(received)) || answerTo(received, state)
    if (fault?.kind === 'lose') return void response.socket?.destroy()
    if (fault?.kind === 'lie') return send(response, failure(200, fault.code))
    send(response, answer, fault)
  }
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(own, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** Whether a request fits into the rate now. */
function tokenBucket(): (rate: NonNullable<S3Server['rate']>) => boolean {
  let tokens = Number.POSITIVE_INFINITY
  let lastMs = Date.now()
  return ({ perSecond, burst }) => {
    const now = Date.now()
    tokens = Math.min(burst, tokens + ((now - lastMs) / 1000) * perSecond)
    lastMs = now
    if (tokens < 1) return false
    tokens--
    return true
  }
}

async function read(request: IncomingMessage, number: number): Promise<S3Request> {
  const url = new URL(request.url ?? '', 'http://host')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/')
  const headers = request.headers as Record<string, string>
  const key = rest.join('/')
  return {
    method: request.method ?? '',
    bucket,
    key,
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks),
    number,
  }
}

function send(
  response: ServerResponse,
  { status = 200, headers = {}, body = Buffer.alloc(0) }: Answer,
  fault?: Fault,
): void {
  if (fault?.kind === 'short') {
    response.writeHead(status, { ...headers, 'transfer-encoding': 'chunked' })
    return void response.end(body.subarray(0, fault.afterBytes))
  }
  response.writeHead(status, { 'content-length': body.length, ...headers })
  if (fault?.kind !== 'cut') return void response.end(body)
  response.write(body.subarray(0, fault.afterBytes), () => response.socket?.destroy())
}

interface State {
  readonly objects: Map<string, S3Object>
  readonly uploads: Map<string, Upload>
}

function answerTo(received: S3Request, state: State): Answer {
  const { method, key, query } = received
  if (query.has('uploads')) return method === 'POST' ? openUpload(received, state) : listUploads(received, state)
  if (query.has('uploadId')) return uploadAnswer(received, state)
  if (key === '') return listObjects(received, state)
  if (method === 'PUT') return put(received, state)
  if (method === 'DELETE') {
    state.objects.delete(key)
    return { status: 204 }
  }
  return get(received, state)
}

/** Behaves like S3 with Object Lock: requires the digest of the body. */
function refuseBody({ method, headers, body }: S3Request): Answer | undefined {
  if (method !== 'PUT') return undefined
  const digest = headers['content-md5']
  if (digest === undefined)
    return failure(
      400,
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    )
  return digest === createHash('md5').update(body).digest('base64') ? undefined : failure(400, 'BadDigest')
}

function put({ key, headers, body }: S3Request, { objects }: State): Answer {
  const found = objects.get(key)
  if (headers['if-none-match'] && found) return failure(412, 'PreconditionFailed')
  if (headers['if-match'] && !found) return failure(404, 'NoSuchKey')
  if (headers['if-match'] && headers['if-match'] !== `"${found?.etag}"`) return failure(412, 'PreconditionFailed')
  const etag = md5(body)
  objects.set(key, { bytes: body, etag, token: headers['x-amz-meta-fanmill-token'] ?? '' })
  return { headers: { etag: `"${etag}"` } }
}

function get({ method, key, headers }: S3Request, { objects }: State): Answer {
  const found = objects.get(key)
  if (!found) return method === 'HEAD' ? { status: 404 } : failure(404, 'NoSuchKey')
  const { bytes, etag, token } = found
  const shown = Object.entries(found.headers ?? {}).filter(
    ([name]) => !name.startsWith('x-amz-checksum') || headers['x-amz-checksum-mode'] === 'ENABLED',
  )
  if (headers['if-match'] && headers['if-match'] !== `"${etag}"`) return failure(412, 'PreconditionFailed')
  const answered = { etag: `"${etag}"`, 'x-amz-meta-fanmill-token': token, ...Object.fromEntries(shown) }
  if (method === 'HEAD') return { headers: { ...answered, 'content-length': `${bytes.length}` } }
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? []
  if (first === undefined) return { headers: answered, body: bytes }
  if (Number(first) >= bytes.length) return failure(416, 'InvalidRange')
  const body = bytes.subarray(Number(first), last ? Number(last) + 1 : undefined)
  const range = `bytes ${first}-${Number(first) + body.length - 1}/${bytes.length}`
  return { status: 206, headers: { ...answered, 'content-range': range }, body }
}

function listObjects({ query }: S3Request, { objects }: State): Answer {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter')
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const names = [...objects.keys()].filter(key => key.startsWith(prefix)).map(key => folded(key, prefix, delimiter))
  const rest = [...new Set(names)].filter(key => compareKeys(key, after) > 0).sort(compareKeys)
  const page = rest.slice(0, pageMax)
  const contents = page.map(key => {
    if (delimiter && key.endsWith(delimiter)) return `<CommonPrefixes><Prefix>${escaped(key)}</Prefix></CommonPrefixes>`
    const { bytes, etag } = objects.get(key)!
    return `<Contents><Key>${escaped(key)}</Key><Size>${bytes.length}</Size><ETag>"${etag}"</ETag></Contents>`
  })
  const isTruncated = rest.length > page.length
  const next = isTruncated ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : ''
  return xml(
    `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
  )
}

const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** A key up to the delimiter that follows the prefix. */
function folded(key: string, prefix: string, delimiter: string | null): string {
  const end = delimiter ? key.indexOf(delimiter, prefix.length) : -1
  return end < 0 ? key : key.slice(0, end + 1)
}

function openUpload({ key, headers }: S3Request, { uploads }: State): Answer {
  const id = randomUUID()
  uploads.set(id, { key, token: headers['x-amz-meta-fanmill-token'] ?? '', pieces: new Map() })
  return xml(
    `<InitiateMultipartUploadResult><Key>${escaped(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
  )
}

function listUploads({ query }: S3Request, { uploads }: State): Answer {
  const found = [...uploads]
    .filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''))
    .sort(([, a], [, b]) => (a.key < b.key ? -1 : 1))
  const after = query.get('upload-id-marker')
  const rest = found.slice(after ? found.findIndex(([id]) => id === after) + 1 : 0)
  const page = rest.slice(0, pageMax)
  const items = page.map(
    ([id, { key }]) =>
      `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>`,
  )
  const [last] = page.slice(-1)
  const isTruncated = rest.length > page.length
  const next =
    isTruncated && last
      ? `<NextKeyMarker>${escaped(last[1].key)}</NextKeyMarker><NextUploadIdMarker>${last[0]}</NextUploadIdMarker>`
      : ''
  return xml(
    `<ListMultipartUploadsResult><IsTruncated>${isTruncated}</IsTruncated>${next}${items.join('')}</ListMultipartUploadsResult>`,
  )
}

function uploadAnswer({ method, query, body }: S3Request, { objects, uploads }: State): Answer {
  const id = query.get('uploadId') ?? ''
  const upload = uploads.get(id)
  if (!upload) return failure(404, 'NoSuchUpload')
  if (method === 'PUT') {
    upload.pieces.set(Number(query.get('partNumber')), body)
    return { headers: { etag: `"${md5(body)}"` } }
  }
  if (method === 'GET') return xml(`<ListPartsResult><UploadId>${id}</UploadId></ListPartsResult>`)
  uploads.delete(id)
  if (method === 'DELETE') return { status: 204 }
  const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(
    match => upload.pieces.get(Number(match[1]))!,
  )
  const etag = `${md5(Buffer.concat(named))}-${named.length}`
  objects.set(upload.key, { bytes: Buffer.concat(named), etag, token: upload.token })
  return xml(`<CompleteMultipartUploadResult><ETag>"${etag}"</ETag></CompleteMultipartUploadResult>`)
}

const failure = (status: number, code: string, message = 'requested by the test'): Answer => ({
  ...xml(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`),
  status,
})

const xml = (text: string): Answer => ({
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(`<?xml version="1.0"?>${text}`),
})

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
