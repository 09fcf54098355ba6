/** The interface of object stores: S3, a folder, or memory. Keys are relative, `/`-separated, without a leading slash. */
import type { ByteRange } from './byte-range.ts'

/** One object as listed. `etag` changes with the content; on disk it is made of inode, size and modification time. */
export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  /** Time of the last change, which no program can set back; only a disk has it. A rename changes it too, unlike the etag. */
  readonly changed?: string
}

/** Tells versions of an object apart. On a disk also an edit that kept size and modification time, as `unzip` and `rsync --inplace` can. */
export const versionOf = ({ etag, changed }: StoredObject): string =>
  changed === undefined ? etag : `${etag}\0${changed}`

/** Properties that tell contents apart without reading them. */
export interface ContentMarks {
  /** Checksum of the whole content, with its algorithm; absent when the store keeps none. */
  readonly checksum?: string
  /** The etag changes with the content alone, also with the way it was cut into pieces, or with each write. */
  readonly etagOf: 'content' | 'pieces' | 'write'
}

/** A part that is written but not yet visible: on S3 an uncompleted multipart upload, on disk a file below `.fanmill/pending/`, outside of every dataset. */
export interface PendingPart {
  /** The key under which it becomes visible when completed. */
  readonly key: string
  readonly sizeBytes: number
  /** Tells it apart from another attempt's object of the same key; on S3 it is object metadata. */
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

export interface ListedPart extends PendingPart {
  readonly stagedAtMs: number
  /** Key of the file that holds it, where it is a file. */
  readonly file?: string
}

/** A consistent object store. Every method may throw TransientError or PermanentError STORE_FAILED. */
export interface Store {
  /** Address for messages: the folder, the bucket and prefix, or `memory:`. */
  readonly url: string
  /** Prefix of each key in the bucket; default empty. */
  readonly keyPrefix?: string
  /** Present time by the clock of the store, as far as its answers have shown it, so that machines with wrong clocks agree. Milliseconds since 1970. */
  now(): number
  stat(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>
  /** Lists every object below a prefix (a key prefix, not a folder), in key order, a page at a time. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject>
  /**
   * Lists the keys of the folders below a folder, with a slash at their end, in key order. `prefix` is empty or ends with a slash. Far
   * cheaper than a listing of all objects. A disk also lists empty folders.
   */
  listFolders(prefix: string, options?: FolderListOptions): AsyncIterable<string>
  /**
   * Reads the bytes of a range, or of the whole object; never fewer than requested.
   * @throws INPUT_CHANGED when `etag` is given and the object is no longer that one; DATASET_MISSING when there is no such object
   */
  read(key: string, options?: ReadOptions): Promise<Uint8Array>
  /** Streams the bytes of a range, at most a few MiB in memory; errors as `read`. */
  stream(key: string, options?: ReadOptions): AsyncIterable<Uint8Array>
  /** Reads a small range, or a whole small object, synchronously; errors as `read`. Absent where waiting is cheaper. */
  readNow?(key: string, options: Omit<ReadOptions, 'signal'>): Uint8Array
  /** Calls `use` with all bytes of an object, in pieces whose memory is used again; errors as `read`. Absent where streaming costs as little. */
  scan?(key: string, options: Pick<ReadOptions, 'etag' | 'signal'>, use: (bytes: Uint8Array) => void): Promise<void>
  /**
   * Returns the path of the file that holds an object, for the engine to open, or nothing where a link leads out of the folder of the store,
   * which is all that the engine may read. Absent where objects are no files.
   * @throws INPUT_CHANGED when the object is no longer the one of `etag`; DATASET_MISSING when there is no such object
   */
  fileOf?(key: string, etag: string): Promise<string | undefined>
  /** Moves a finished local file into the store, and returns the file of a key; absent where objects are no files of this machine. */
  readonly files?: LocalFiles
  /** Returns the marks that the store keeps of an object's content, without reading it. */
  inspect?(object: StoredObject): Promise<ContentMarks>
  /** Writes only if there is no such key (If-None-Match: *); returns the etag, or undefined when another process was first. Durable and atomic. */
  create(key: string, bytes: Uint8Array): Promise<string | undefined>
  /** Writes only over the object that has `etag` (If-Match); returns the new etag, or undefined when the object has another one. */
  replace(key: string, bytes: Uint8Array, etag: string): Promise<string | undefined>
  /** Writes unconditionally; returns the etag. */
  write(key: string, bytes: Uint8Array): Promise<string>
  /** Removes an object; a missing one is no error. */
  remove(key: string): Promise<void>
  /** Moves a finished local file into the store as a pending part; the same key and token replace an earlier one. */
  stagePart(key: string, file: string, run: StagingRun): Promise<PendingPart>
  /** Folder where files can be written at their keys before they are staged, which then moves nothing; absent where parts are uploaded. */
  pendingFolder?(run: StagingRun): string
  /** Whether a pending part can still be completed. */
  hasPart(part: PendingPart): Promise<boolean>
  /** Makes a pending part visible under its key; also true when it already is. False when it is neither pending nor visible. */
  completePart(part: PendingPart): Promise<boolean>
  /** Removes a pending part; a missing one is no error. */
  abortPart(part: PendingPart): Promise<void>
  /** Lists every pending part below a prefix, of any process; on S3 without its token. */
  listParts(prefix: string, signal?: AbortSignal): AsyncIterable<ListedPart>
  /**
   * Checks that completed parts can be made visible below a prefix, before anything is staged; absent where they always can.
   * @throws OUTPUT_OTHER_FILE_SYSTEM naming the folder that lies on another file system than the state; OUTPUT_READ_ONLY naming the
   * folder that this process may not write to
   */
  checkPlace?(prefix: string): Promise<void>
}

/** Objects as files of this machine. */
export interface LocalFiles {
  pathOf(key: string): string
  /** Makes a file the object of a key, without syncing it to the disk. */
  moveIn(key: string, file: string): Promise<void>
}

export interface FolderListOptions {
  /** Levels below the folder; 2 lists only the folders that lie in a folder below it. Default 1. */
  readonly depth?: 1 | 2
  readonly signal?: AbortSignal
}

/** The part of a store that reads inputs. */
export type Reader = Pick<Store, 'url' | 'read' | 'stream' | 'readNow' | 'fileOf' | 'files'>

/** Files of up to so many bytes are read whole, many of them in a row. */
export const smallFileBytes = 256 * 1024

export interface ReadOptions {
  readonly range?: ByteRange
  /** Pins the object that plan saw. */
  readonly etag?: string
  readonly signal?: AbortSignal
  /** Returns memory for so many bytes, of a range or of each piece of a stream; default new memory. A store may use its own. */
  readonly into?: (lengthBytes: number) => Uint8Array
}
