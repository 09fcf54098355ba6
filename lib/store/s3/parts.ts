/** Pending parts in S3: multipart uploads that one process leaves open and another completes. */
import { open, rm, stat } from 'node:fs/promises'
import type { ListMultipartUploadsCommandInput } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { PermanentError } from '../../errors/errors.ts'
import { nothingIf } from '../../errors/expected.ts'
import { withFaults } from '../disk/fault.ts'
import { statusOf } from '../network-fault.ts'
import { settleAll } from '../settle-all.ts'
import type { PendingPart, StagingRun } from '../store.ts'
import { pieceBytesOf, pieceCountOf } from '../upload-pieces.ts'
import { checkKey, type S3Access, tokenName } from './access.ts'
import { bareEtag } from './body.ts'

/** Limit on pieces that are uploaded at once, over all parts of a store: 64 MiB in memory. */
const uploadsMax = 4

export class S3Parts {
  readonly #access: S3Access
  readonly #limit = pLimit(uploadsMax)
  /** Upload ids of this process by key and token. */
  readonly #staged = new Map<string, string>()
  /** Uploads that were open and not completed since: when one of them completes, no further check is needed. */
  readonly #open = new Set<string>()

  constructor(access: S3Access) {
    this.#access = access
  }

  /** Requests: 2, and one more for each additional 16 MiB. */
  async stagePart(key: string, file: string, { token }: StagingRun): Promise<PendingPart> {
    const { sizeBytes } = await withFaults('stage', checkKey(key), async () => ({ sizeBytes: (await stat(file)).size }))
    const name = `${key}\0${token}`
    const earlier = this.#staged.get(name)
    if (earlier !== undefined) await this.abortPart({ key, sizeBytes, token, uploadId: earlier })
    const uploadId = await this.#openUpload(key, token)
    const part = { key, sizeBytes, token, uploadId }
    try {
      const etags = await this.#upload(part, file)
      await rm(file, { force: true })
      this.#staged.set(name, uploadId)
      this.#open.add(uploadId)
      return { ...part, etags }
    } catch (error) {
      await this.abortPart(part).catch(() => undefined)
      throw error
    }
  }

  async hasPart({ key, uploadId }: PendingPart): Promise<boolean> {
    if (uploadId === undefined) return false
    const found = await this.#access.send('check', key, ({ calls, at }) =>
      calls.listPieces({ ...at, UploadId: uploadId, MaxParts: 1 }).catch(nothingIf(isNoUpload)),
    )
    if (found) this.#open.add(uploadId)
    return found !== undefined
  }

  async completePart(part: PendingPart): Promise<boolean> {
    const wasOpen = this.#open.delete(part.uploadId ?? '')
    const result = await this.#complete(part)
    return (wasOpen && result === 'created') || this.#isVisible(part)
  }

  async abortPart({ key, uploadId, token }: PendingPart): Promise<void> {
    if (uploadId === undefined) return
    this.#staged.delete(`${key}\0${token}`)
    this.#open.delete(uploadId)
    await this.#access.send('abort', key, ({ calls, at }) =>
      calls.abortUpload({ ...at, UploadId: uploadId }).catch(nothingIf(isNoUpload)),
    )
  }

  /** Lists uploads, without token and size. Requests: one per thousand uploads. */
  async *listParts(
    prefix: string,
    signal?: AbortSignal,
  ): AsyncGenerator<PendingPart & { readonly stagedAtMs: number }> {
    const { spec } = this.#access
    let from: Pick<ListMultipartUploadsCommandInput, 'KeyMarker' | 'UploadIdMarker'> | undefined = {}
    while (from) {
      const page = await this.#access.send(
        'list',
        prefix,
        ({ calls }) => calls.listUploads({ Bucket: spec.bucket, Prefix: spec.prefix + prefix, ...from }, signal),
        signal,
      )
      for (const { Key = '', UploadId: uploadId, Initiated } of page.Uploads ?? []) {
        if (uploadId === undefined) continue
        this.#open.add(uploadId)
        const key = Key.slice(spec.prefix.length)
        yield { key, sizeBytes: 0, token: '', uploadId, stagedAtMs: Initiated?.getTime() ?? 0 }
      }
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      from = page.IsTruncated && KeyMarker ? { KeyMarker, UploadIdMarker } : undefined
    }
  }

  async #openUpload(key: string, token: string): Promise<string> {
    const { encryption } = this.#access
    const { UploadId } = await this.#access.send('stage', key, ({ calls, at }) =>
      calls.openUpload({ ...at, ...encryption, Metadata: { [tokenName]: token } }),
    )
    if (UploadId === undefined)
      throw new PermanentError('STORE_FAILED', `cannot stage ${key}: expected an upload id, got none`, { key })
    return UploadId
  }

  /** Returns the etags in order of their pieces. All pieces are settled before an error is thrown. */
  async #upload(part: PendingPart, file: string): Promise<string[]> {
    const pieceBytes = pieceBytesOf(part.sizeBytes)
    const handle = await withFaults('stage', part.key, () => open(file))
    try {
      const pieces = Array.from({ length: pieceCountOf(part.sizeBytes) }, (_, index) =>
        this.#limit(async () => {
          const start = index * pieceBytes
          const bytes = Buffer.allocUnsafe(Math.min(pieceBytes, part.sizeBytes - start))
          await withFaults('stage', part.key, () => handle.read(bytes, 0, bytes.length, start))
          return this.#uploadPiece(part, index + 1, bytes)
        }),
      )
      return await settleAll(pieces)
    } finally {
      await handle.close()
    }
  }

  async #uploadPiece({ key, uploadId }: PendingPart, number: number, bytes: Uint8Array): Promise<string> {
    const { ETag = '' } = await this.#access.send('stage', key, ({ calls, at }) =>
      calls.uploadPiece({ ...at, UploadId: uploadId, PartNumber: number, Body: bytes, ContentLength: bytes.length }),
    )
    return bareEtag(ETag)
  }

  /** A second complete answers 200, 404 or 409, depending on the store; none of them tells which object exists now. */
  #complete({ key, uploadId, etags = [] }: PendingPart): Promise<'created' | 'unknown'> {
    if (uploadId === undefined) return Promise.resolve('unknown')
    const Parts = etags.map((etag, index) => ({ ETag: `"${etag}"`, PartNumber: index + 1 }))
    return this.#access.send('complete', key, async ({ calls, at, tries }) => {
      const input = { ...at, UploadId: uploadId, MultipartUpload: { Parts } }
      const completed = await calls.completeUpload(input).catch(nothingIf(isNoUpload))
      return completed && tries === 0 ? 'created' : 'unknown'
    })
  }

  async #isVisible({ key, token, sizeBytes }: PendingPart): Promise<boolean> {
    const found = await this.#access.head(key)
    return found?.token === token && found.sizeBytes === sizeBytes
  }
}

const isNoUpload = (error: unknown): boolean => (error as Error).name === 'NoSuchUpload' || statusOf(error) === 404
