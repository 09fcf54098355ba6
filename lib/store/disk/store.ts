/** The object store of a folder. */
import assert from 'node:assert'
import { realpath, rename, rm, utimes } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { throwIfAborted } from '../../errors/abort.ts'
import { nothingIf } from '../../errors/expected.ts'
import { stateRoot } from '../state-root.ts'
import type {
  FolderListOptions,
  ListedPart,
  LocalFiles,
  PendingPart,
  ReadOptions,
  StagingRun,
  Store,
  StoredObject,
} from '../store.ts'
import { EmptiedFolders } from './emptied-folders.ts'
import { isAbsent, withFaults } from './fault.ts'
import { linkNew, moveFile, pruneFolders, removeFile, statFile, sweepTemporary, writeTemporary } from './files.ts'
import { inFolderOf } from './folders.ts'
import { listFolderKeys, listKeys } from './list.ts'
import { withLock } from './lock.ts'
import { isApart, pendingFolder, pendingKey, pendingPartAt, pendingPrefix } from './pending.ts'
import { checkRenames, checkWritable } from './place.ts'
import { checkedPath, readFileNow, readFileRange, scanFile } from './read.ts'
import { syncFolder, syncPath } from './sync.ts'

/** Prefix of temporary files and locks, on the same file system as everything else, so that a rename is atomic. */
const temporaryPrefix = `${stateRoot}tmp/`

/** Files of a listing whose stats are read together: enough to keep the thread pool busy. */
const statsAtOnce = 64

/**
 * Opens the store of a folder, which keeps each object in a file with the name of its key.
 *
 * Objects appear whole and, after `create`, `write` and `completePart`, are synced to the disk, with the folders that are new above them. `create` is atomic (a link). `replace`
 * compares and renames under a lock file, because a plain file system has no compare-and-swap: every process that changes the same
 * folder must use this store. An etag consists of inode, size and modification time; a tool that restores old times after a rewrite in
 * place is not detected.
 * A pending part is a file below `.fanmill/pending/`, which `list` does not show, and is renamed to its key when it is completed.
 */
export function diskStore(folder: string, options: DiskStoreOptions = {}): Store {
  return new DiskStore(folder, options)
}

export interface DiskStoreOptions {
  /** Syncs each part to the disk, so that it survives a power cut; default true. */
  readonly syncsParts?: boolean
}

class DiskStore implements Store {
  readonly url: string
  readonly #temporary: string
  readonly #folders: EmptiedFolders
  readonly #syncsParts: boolean
  #swept: Promise<void> | undefined
  #root: Promise<string> | undefined

  constructor(folder: string, { syncsParts = true }: DiskStoreOptions) {
    this.#syncsParts = syncsParts
    this.url = resolve(folder)
    this.#folders = new EmptiedFolders(this.url)
    this.#temporary = join(this.url, temporaryPrefix)
  }

  now(): number {
    return Date.now()
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const found = await withFaults('check', key, () => statFile(this.#path(key)))
    return found && { key, sizeBytes: found.sizeBytes, etag: found.etag, changed: found.changed }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    const isHidden = (key: string) =>
      key.startsWith(temporaryPrefix) || key.startsWith(pendingPrefix) || pendingPartAt(key) !== undefined
    let keys: string[] = []
    for await (const key of this.#keys(prefix, isHidden, signal)) {
      if (keys.push(key) < statsAtOnce) continue
      yield* await this.#statAll(keys)
      keys = []
    }
    yield* await this.#statAll(keys)
  }

  async *listFolders(prefix: string, { depth = 1, signal }: FolderListOptions = {}): AsyncGenerator<string> {
    checkPrefix(prefix)
    const skips = (key: string) => key.startsWith(temporaryPrefix) || key.startsWith(pendingPrefix)
    throwIfAborted(signal)
    for await (const key of listFolderKeys(this.url, prefix, { depth, skips })) {
      throwIfAborted(signal)
      yield key
    }
  }

  async #statAll(keys: readonly string[]): Promise<StoredObject[]> {
    return (await Promise.all(keys.map(key => this.stat(key)))).filter(found => found !== undefined)
  }

  async read(key: string, options: ReadOptions = {}): Promise<Uint8Array> {
    for await (const bytes of readFileRange(this.#path(key), key, { ...options, isWhole: true })) return bytes
    assert.fail('a whole read yields once')
  }

  readNow(key: string, options: Omit<ReadOptions, 'signal'>): Uint8Array {
    return readFileNow(this.#path(key), key, options)
  }

  scan(key: string, options: Pick<ReadOptions, 'etag' | 'signal'>, use: (bytes: Uint8Array) => void): Promise<void> {
    return scanFile(this.#path(key), key, options, use)
  }

  async fileOf(key: string, etag: string): Promise<string | undefined> {
    const path = await checkedPath(this.#path(key), key, etag)
    this.#root ??= realpath(this.url)
    const [root, file] = await withFaults('read', key, () => Promise.all([this.#root, realpath(path)]))
    return file.startsWith(join(root ?? this.url, sep)) ? path : undefined
  }

  stream(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    return readFileRange(this.#path(key), key, options)
  }

  create(key: string, bytes: Uint8Array): Promise<string | undefined> {
    return withFaults('write', key, async () => {
      const path = this.#path(key)
      const from = await this.#writeTemporary(bytes)
      try {
        if (!(await linkNew(from, path))) return undefined
        await syncFolder(dirname(path))
        return (await statFile(from))?.etag
      } finally {
        await rm(from, { force: true })
      }
    })
  }

  replace(key: string, bytes: Uint8Array, etag: string): Promise<string | undefined> {
    return withFaults('write', key, () =>
      withLock(this.#temporary, key, async () => {
        const found = await statFile(this.#path(key))
        return found?.etag === etag ? this.#put(key, bytes, found.mtimeMs) : undefined
      }),
    )
  }

  write(key: string, bytes: Uint8Array): Promise<string> {
    return withFaults('write', key, () => this.#put(key, bytes))
  }

  remove(key: string): Promise<void> {
    return withFaults('remove', key, () => this.#removePath(this.#path(key)))
  }

  stagePart(key: string, file: string, run: StagingRun): Promise<PendingPart> {
    return withFaults('stage', key, async () => {
      const { token } = run
      const uploadId = pendingFolder(run)
      const path = this.#pendingPath({ key, token, uploadId })
      if (this.#syncsParts) await syncPath(file)
      if (file !== path) await moveFile(file, path, this.#temporary, join(this.url, stateRoot))
      const found = await statFile(path)
      assert(found, 'a part that was just moved is there')
      return { key, sizeBytes: found.sizeBytes, token, uploadId, etags: [found.etag] }
    })
  }

  readonly files: LocalFiles = {
    pathOf: key => this.#path(key),
    moveIn: (key, file) => withFaults('write', key, () => moveFile(file, this.#path(key), this.#temporary, this.url)),
  }

  pendingFolder(run: StagingRun): string {
    return join(this.url, pendingPrefix, pendingFolder(run))
  }

  hasPart(part: PendingPart): Promise<boolean> {
    return withFaults('check', part.key, async () => {
      const found = await statFile(this.#pendingPath(part))
      return found?.sizeBytes === part.sizeBytes
    })
  }

  completePart(part: PendingPart): Promise<boolean> {
    return withFaults('complete', part.key, async () => {
      const path = this.#path(part.key)
      const pending = this.#pendingPath(part)
      const isMoved = await this.#folders.takeOut(dirname(pending), () => this.#complete(pending, path))
      if (!isMoved) return this.#isCompleted(part)
      if (this.#syncsParts) await syncFolder(dirname(path))
      return true
    })
  }

  /** Renames a pending part; returns false when it is not there. */
  async #complete(pending: string, path: string): Promise<boolean> {
    const move = () => rename(pending, path).then(() => true)
    if (await move().catch(nothingIf(isAbsent))) return true
    // The part is looked for only after its rename has failed, because most parts find their folder; it is created only for an existing part.
    if (!(await statFile(pending))) return false
    const lasting = this.#syncsParts ? dirname(path) : this.url
    if (await inFolderOf(path, move, lasting).catch(nothingIf(isAbsent))) return true
    await pruneFolders(dirname(path), this.url)
    return false
  }

  abortPart(part: PendingPart): Promise<void> {
    return withFaults('abort', part.key, () => this.#removePath(this.#pendingPath(part)))
  }

  async *listParts(prefix: string, signal?: AbortSignal): AsyncGenerator<ListedPart> {
    yield* this.#partsAmong(this.#keys(pendingPrefix, folder => isApart(folder, prefix), signal))
    // Parts of older versions, in the folders of their datasets.
    yield* this.#partsAmong(this.#keys(prefix, key => key.startsWith(stateRoot), signal))
  }

  checkPlace(prefix: string): Promise<void> {
    const pending = join(this.url, pendingPrefix)
    const folder = resolve(join(this.url, ...prefix.split('/')))
    return withFaults('check', prefix, async () => {
      for (const path of [pending, folder]) await checkWritable(path)
      await checkRenames(pending, folder, stateRoot.slice(0, -1))
    })
  }

  async *#partsAmong(files: AsyncIterable<string>): AsyncGenerator<ListedPart> {
    for await (const file of files) {
      const part = pendingPartAt(file)
      const found = part && (await withFaults('check', file, () => statFile(this.#path(file))))
      if (!part || !found) continue
      yield { ...part, sizeBytes: found.sizeBytes, etags: [found.etag], stagedAtMs: found.mtimeMs, file }
    }
  }

  /** Returns whether this or another process completed the part before: a rename keeps the etag. */
  async #isCompleted({ key, etags }: PendingPart): Promise<boolean> {
    const found = await statFile(this.#path(key))
    return found !== undefined && found.etag === etags?.[0]
  }

  async *#keys(prefix: string, isHidden: (key: string) => boolean, signal?: AbortSignal): AsyncGenerator<string> {
    checkPrefix(prefix)
    for await (const key of listKeys(this.url, prefix, isHidden)) {
      throwIfAborted(signal)
      yield key
    }
  }

  #path(key: string): string {
    const isSafe = key !== '' && !key.includes('\0') && !key.split('/').some(part => ['', '.', '..'].includes(part))
    assert(isSafe, `expected a key below the root, got ${JSON.stringify(key)}`)
    return join(this.url, key)
  }

  #pendingPath(part: Pick<PendingPart, 'key' | 'token' | 'uploadId'>): string {
    return this.#path(pendingKey(part))
  }

  /** Removes the temporary files of killed processes before the first write. */
  async #writeTemporary(bytes: Uint8Array): Promise<string> {
    this.#swept ??= sweepTemporary(this.#temporary)
    await this.#swept
    return writeTemporary(this.#temporary, bytes)
  }

  /** Writes a file with a modification time after `afterMs`: within one tick of the clock a new file may get the inode and time of the one that it replaces. */
  async #put(key: string, bytes: Uint8Array, afterMs?: number): Promise<string> {
    const path = this.#path(key)
    const from = await this.#writeTemporary(bytes)
    const made = afterMs === undefined ? undefined : await statFile(from)
    if (made && afterMs !== undefined && made.mtimeMs <= afterMs)
      await utimes(from, (afterMs + 1) / 1000, (afterMs + 1) / 1000)
    await inFolderOf(path, () => rename(from, path))
    await syncFolder(dirname(path))
    const found = await statFile(path)
    assert(found, 'a file that was just written is there')
    return found.etag
  }

  #removePath(path: string): Promise<void> {
    return this.#folders.takeOut(dirname(path), () => removeFile(path))
  }
}

function checkPrefix(prefix: string): void {
  const isSafe = !prefix.startsWith('/') && !prefix.split('/').includes('..')
  assert(isSafe, `expected a prefix below the root, got ${JSON.stringify(prefix)}`)
}
