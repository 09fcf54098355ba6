/** An object store in memory that behaves like S3: conditional writes, and uploads that are invisible until they are completed. */
import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { inputChanged } from './input-changed.ts'
import type { FolderListOptions, PendingPart, ReadOptions, StagingRun, Store, StoredObject } from './store.ts'

const chunkBytes = 1 << 20
/** Page size of S3's ListObjectsV2. */
const pageKeysMax = 1000

export interface MemoryStoreOptions {
  /** Answer to a second complete of an upload: S3 returns 200 for some time, other stores 404 at once. Default `ok`. */
  readonly secondComplete?: 'ok' | 'missing'
  /** Called before and after a request takes effect. An error thrown after it simulates a lost answer. */
  readonly onRequest?: (request: StoreRequest, phase: 'before' | 'after') => void | Promise<void>
  /** Returns milliseconds since 1970 for `stagedAtMs`; default 0. */
  readonly now?: () => number
}

export interface StoreRequest {
  readonly operation: keyof Omit<Store, 'url' | 'keyPrefix' | 'now' | 'files'>
  readonly key: string
}

/** Opens an empty store. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

type Upload = PendingPart & { readonly bytes: Uint8Array; readonly stagedAtMs: number }

/** A store whose objects, uploads and request counts tests can read. */
export class MemoryStore implements Store {
  readonly url = 'memory:'
  /** Objects by key. Tests may change them, as another process would. */
  readonly objects = new Map<string, Uint8Array>()
  /** Open uploads by upload id. Deleting one simulates its expiry. */
  readonly uploads = new Map<string, Upload>()
  /** Totals so far; a listing counts as one request per thousand keys. */
  readonly counts = { requests: 0, bytesRead: 0, bytesWritten: 0 }
  readonly #tokens = new Map<string, string>()
  readonly #completed = new Set<string>()
  readonly #options: MemoryStoreOptions
  #uploadCount = 0

  constructor(options: MemoryStoreOptions) {
    this.#options = options
  }

  now(): number {
    return Date.now()
  }

  stat(key: string): Promise<StoredObject | undefined> {
    return this.#request('stat', key, () => this.#objectAt(key))
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    const keys = sortKeys([...this.objects.keys()].filter(key => key.startsWith(prefix)))
    for (let start = 0; start === 0 || start < keys.length; start += pageKeysMax) {
      throwIfAborted(signal)
      const page = keys.slice(start, start + pageKeysMax)
      yield* await this.#request('list', prefix, () => page.flatMap(key => this.#objectAt(key) ?? []))
    }
  }

  /** Counts one request per thousand folders. */
  async *listFolders(prefix: string, { depth = 1, signal }: FolderListOptions = {}): AsyncGenerator<string> {
    const folders = new Set<string>()
    for (const key of this.objects.keys()) {
      const names = key.startsWith(prefix) ? key.slice(prefix.length).split('/') : []
      if (names.length > depth) folders.add(`${prefix}${names.slice(0, depth).join('/')}/`)
    }
    const keys = sortKeys([...folders])
    for (let start = 0; start === 0 || start < keys.length; start += pageKeysMax) {
      throwIfAborted(signal)
      yield* await this.#request('listFolders', prefix, () => keys.slice(start, start + pageKeysMax))
    }
  }

  read(key: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return this.#request('read', key, () => this.#cut(key, options))
  }

  async *stream(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const bytes = await this.#request('stream', key, () => this.#cut(key, options))
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      throwIfAborted(options.signal)
      yield bytes.slice(start, start + chunkBytes)
    }
  }

  create(key: string, bytes: Uint8Array): Promise<string | undefined> {
    return this.#request('create', key, () => (this.objects.has(key) ? undefined : this.#put(key, bytes)))
  }

  replace(key: string, bytes: Uint8Array, etag: string): Promise<string | undefined> {
    const isSame = () => this.#objectAt(key)?.etag === etag
    return this.#request('replace', key, () => (isSame() ? this.#put(key, bytes) : undefined))
  }

  write(key: string, bytes: Uint8Array): Promise<string> {
    return this.#request('write', key, () => this.#put(key, bytes))
  }

  remove(key: string): Promise<void> {
    return this.#request('remove', key, () => void this.objects.delete(key))
  }

  stagePart(key: string, file: string, { token }: StagingRun): Promise<PendingPart> {
    return this.#request('stagePart', key, async () => {
      const bytes = new Uint8Array(await readFile(file))
      for (const [id, part] of this.uploads) if (part.key === key && part.token === token) this.uploads.delete(id)
      this.#uploadCount++
      const uploadId = `upload-${this.#uploadCount}`
      const part = { key, sizeBytes: bytes.length, token, uploadId, etags: [etagOf(bytes)] }
      this.uploads.set(uploadId, { ...part, bytes, stagedAtMs: this.#options.now?.() ?? 0 })
      await rm(file)
      return part
    })
  }

  hasPart(part: PendingPart): Promise<boolean> {
    return this.#request('hasPart', part.key, () => this.uploads.has(part.uploadId ?? ''))
  }

  async completePart(part: PendingPart): Promise<boolean> {
    const result = await this.#request('completePart', part.key, () => this.#complete(part))
    // The answer to a second complete does not tell which object exists now: token and size do.
    if (result === 'created') return true
    return this.#request('stat', part.key, () => this.#isVisible(part))
  }

  abortPart(part: PendingPart): Promise<void> {
    return this.#request('abortPart', part.key, () => void this.uploads.delete(part.uploadId ?? ''))
  }

  async *listParts(prefix: string): AsyncGenerator<PendingPart & { stagedAtMs: number }> {
    const found = await this.#request('listParts', prefix, () => [...this.uploads.values()])
    for (const { bytes: _, ...part } of found) if (part.key.startsWith(prefix)) yield part
  }

  async #request<T>(operation: StoreRequest['operation'], key: string, act: () => T | Promise<T>): Promise<T> {
    this.counts.requests++
    await this.#options.onRequest?.({ operation, key }, 'before')
    const result = await act()
    await this.#options.onRequest?.({ operation, key }, 'after')
    return result
  }

  #objectAt(key: string): StoredObject | undefined {
    const bytes = this.objects.get(key)
    return bytes && { key, sizeBytes: bytes.length, etag: etagOf(bytes) }
  }

  #put(key: string, bytes: Uint8Array, token?: string): string {
    this.objects.set(key, bytes.slice())
    if (token === undefined) this.#tokens.delete(key)
    else this.#tokens.set(key, token)
    this.counts.bytesWritten += bytes.length
    return etagOf(bytes)
  }

  #cut(key: string, { range, etag, signal }: ReadOptions): Uint8Array {
    throwIfAborted(signal)
    const bytes = this.objects.get(key)
    if (!bytes) throw new PermanentError('DATASET_MISSING', `cannot read ${key}: there is no such object`, { key })
    const { start, end } = range ?? { start: 0, end: bytes.length }
    if (end > bytes.length) throw inputChanged(key, `at least ${end} bytes`, `${bytes.length}`)
    if (etag !== undefined && etagOf(bytes) !== etag) throw inputChanged(key, `version ${etag}`, etagOf(bytes))
    this.counts.bytesRead += end - start
    return bytes.slice(start, end)
  }

  /** Behaves like CompleteMultipartUpload: the answer to a second one is `ok` (200) or `missing` (404). */
  #complete({ uploadId = '' }: PendingPart): 'created' | 'ok' | 'missing' {
    const upload = this.uploads.get(uploadId)
    if (!upload) return this.#completed.has(uploadId) ? (this.#options.secondComplete ?? 'ok') : 'missing'
    this.#put(upload.key, upload.bytes, upload.token)
    this.uploads.delete(uploadId)
    this.#completed.add(uploadId)
    return 'created'
  }

  #isVisible({ key, token, sizeBytes }: PendingPart): boolean {
    return this.#tokens.get(key) === token && this.objects.get(key)?.length === sizeBytes
  }
}

function etagOf(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function sortKeys(keys: readonly string[]): string[] {
  return keys
    .map(key => ({ key, bytes: Buffer.from(key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key)
}
