/** An object store in memory that behaves like S3: conditional writes, and uploads that nobody sees until they are completed. */
import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import type { FolderListOptions, PendingPart, ReadOptions, StagingRun, Store, StoredObject } from './store.ts'

const chunkBytes = 1 << 20
/** As of S3's ListObjectsV2. */
const pageKeysMax = 1000

export interface MemoryStoreOptions {
  /** What completing an upload a second time answers: S3 says 200 for some time, other stores 404 at once. Default `ok`. */
  readonly secondComplete?: 'ok' | 'missing'
  /** Called before a request takes effect and after; what it throws after is a lost answer. */
  readonly onRequest?: (request: StoreRequest, phase: 'before' | 'after') => void | Promise<void>
  /** Milliseconds since 1970, for `stagedAtMs`; default 0. */
  readonly now?: () => number
}

export interface StoreRequest {
  readonly operation: keyof Omit<Store, 'url' | 'keyPrefix'>
  readonly key: string
}

/** An empty store; all its bytes stay in memory. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

type Upload = PendingPart & { readonly bytes: Uint8Array; readonly stagedAtMs: number }

/** Made by `memoryStore`; shows a test what there is and what was asked. */
export class MemoryStore implements Store {
  readonly url = 'memory:'
  /** May be changed, as by someone else. */
  readonly objects = new Map<string, Uint8Array>()
  /** Uploads that are open, by upload id; to delete one is to let it expire. */
  readonly uploads = new Map<string, Upload>()
  /** So far; a listing is one request a thousand keys. */
  readonly counts = { requests: 0, bytesRead: 0, bytesWritten: 0 }
  readonly #tokens = new Map<string, string>()
  readonly #completed = new Set<string>()
  readonly #options: MemoryStoreOptions
  #uploadCount = 0

  constructor(options: MemoryStoreOptions) {
    this.#options = options
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

  /** A request a thousand folders, whatever is in them. */
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
    const answer = await this.#request('completePart', part.key, () => this.#complete(part))
    // A first complete is certain. A second one's answer says nothing of what is there now: token and size do.
    if (answer === 'made') return true
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
    if (end > bytes.length) throw changed(key, `at least ${end} bytes`, `${bytes.length}`)
    if (etag !== undefined && etagOf(bytes) !== etag) throw changed(key, `version ${etag}`, etagOf(bytes))
    this.counts.bytesRead += end - start
    return bytes.slice(start, end)
  }

  /** As CompleteMultipartUpload: a second one is `ok` (200) or `missing` (404). */
  #complete({ uploadId = '' }: PendingPart): 'made' | 'ok' | 'missing' {
    const upload = this.uploads.get(uploadId)
    if (!upload) return this.#completed.has(uploadId) ? (this.#options.secondComplete ?? 'ok') : 'missing'
    this.#put(upload.key, upload.bytes, upload.token)
    this.uploads.delete(uploadId)
    this.#completed.add(uploadId)
    return 'made'
  }

  #isVisible({ key, token, sizeBytes }: PendingPart): boolean {
    return this.#tokens.get(key) === token && this.objects.get(key)?.length === sizeBytes
  }
}

function changed(key: string, expected: string, got: string): PermanentError {
  const message = `${key}: expected ${expected}, got ${got}; it changed while the run read it: run again`
  return new PermanentError('INPUT_CHANGED', message, { key, expected, got })
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
