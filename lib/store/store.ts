/** What the steps need of a place that keeps objects: S3, a folder, or memory. Keys are relative, `/`-separated, without a leading slash. */
import type { ByteRange } from './byte-range.ts'

/** One object as listed. `etag` changes whenever the content does; on disk it is made of inode, size and modification time. */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
}

/** What tells contents apart without reading them. */
export interface ContentMarks {
  /** Of the whole content, with its algorithm; absent when the store keeps none. */
  readonly checksum?: string
  /** What makes the etag another: the content alone; also how it was cut into pieces; or each write. */
  readonly etagOf: 'content' | 'pieces' | 'write'
}

/** A part that is written but not yet visible: on S3 an uncompleted multipart upload, on disk a file below `.fanmill/pending/`, outside of every dataset. */
export interface PendingPart {
  /** The key under which it becomes visible when completed. */
  readonly key: string
  readonly sizeBytes: number
  /** Told apart from another attempt's object of the same key; on S3 kept as object metadata. */
  readonly token: string
  /** On S3 the id of the upload; on disk the folder of the file below `.fanmill/pending/`: `{runId}/{attempt}/{token}`. */
  readonly uploadId?: string
  readonly etags?: readonly string[]
}

/** The run that stages a part, and the token of the try of its batch. */
export interface StagingRun {
  readonly runId: string
  readonly attempt: number
  readonly token: string
}

/** A pending part as it is found by listing. */
export interface ListedPart extends PendingPart {
  readonly stagedAtMs: number
  /** Key of the file that holds it, where it is a file. */
  readonly file?: string
}

/** A consistent object store. Every method may throw TransientError or PermanentError STORE_FAILED. */
export interface Store {
  /** For messages: the folder, the bucket and prefix, or `memory:`. */
  readonly url: string
  /** What stands before each key in the place itself: a prefix in a bucket; default nothing. */
  readonly keyPrefix?: string
  stat(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>
  /** Every object below a prefix (a key prefix, not a folder), in key order, a page at a time. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>
  /**
   * Keys of the folders below a folder, with a slash at their end, in key order. `prefix` is empty or ends with a slash. Far cheaper than
   * a listing of all objects, which are not looked at. A disk also lists folders that hold nothing.
   */
  listFolders(prefix: string, options?: FolderListOptions): AsyncIterable<string>
  /**
   * The bytes of a range, or of the whole object; never fewer than asked for.
   * @throws INPUT_CHANGED when `etag` is given and the object is no longer that one; DATASET_MISSING when there is no such object
   */
  read(key: string, options?: ReadOptions): Promise<Uint8Array>
  /** The bytes of a range as they come, at most a few MiB in memory; errors as `read`. */
  stream(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>
  /** As `read`, of a whole small object and at once, where that costs less than to wait for it; absent where it never does. */
  readNow?(key: string, options: Pick<ReadOptions, 'etag' | 'into'>): Uint8Array
  /** What the store knows of an object's content; nothing is read for it. */
  inspect?(object: StoredObject): Promise<ContentMarks>
  /** Writes only if there is no such key (If-None-Match: *); the etag, or undefined when another was first. Durable and atomic. */
  create(key: string, bytes: Uint8Array): Promise<string | undefined>
  /** Writes only over the object that has `etag` (If-Match); the new etag, or undefined when it is no longer that one. */
  replace(key: string, bytes: Uint8Array, etag: string): Promise<string | undefined>
  /** Writes whatever is there; the etag. */
  write(key: string, bytes: Uint8Array): Promise<string>
  /** Removes if there; absent is no error. */
  remove(key: string): Promise<void>
  /** Takes over a finished local file as a pending part; the file is gone afterwards. Done again with the same key and token it replaces the earlier one. */
  stagePart(key: string, file: string, run: StagingRun): Promise<PendingPart>
  /** Whether a pending part can still be completed. */
  hasPart(part: PendingPart): Promise<boolean>
  /** Makes a pending part visible under its key; true as well when it already is. False when neither pending nor visible. */
  completePart(part: PendingPart): Promise<boolean>
  /** Forgets a pending part; absent is no error. */
  abortPart(part: PendingPart): Promise<void>
  /** Every pending part below a prefix, whoever left it; on S3 without its token. */
  listParts(prefix: string, signal?: AbortSignal): AsyncIterable<ListedPart>
  /**
   * Checks that completed parts can be made visible below a prefix, before anything is staged; absent where they always can.
   * @throws OUTPUT_OTHER_FILE_SYSTEM naming the folder that lies on another file system than the state
   */
  checkPlace?(prefix: string): Promise<void>
}

export interface FolderListOptions {
  /** How many levels below the folder; 2 lists only the folders that lie in a folder below it. Default 1. */
  readonly depth?: 1 | 2
  readonly signal?: AbortSignal
}

/** What reading inputs needs of a store. */
export type Reader = Pick<Store, 'url' | 'read' | 'stream' | 'readNow'>

/** Files of up to so many bytes are read as a whole, many of them in one go. */
export const smallFileBytes = 256 * 1024

export interface ReadOptions {
  readonly range?: ByteRange
  /** Pins the object that plan saw. */
  readonly etag?: string
  readonly signal?: AbortSignal
  /** Gives the memory for so many bytes, of a range or of each piece of a stream; default new memory. A store may bring its own. */
  readonly into?: (lengthBytes: number) => Uint8Array
}
