/** The state of a table at one version: the actions of its log, played one after another. */
import {
  type Action,
  type AddFile,
  invalidLog,
  type MetaData,
  type Protocol,
  type RemoveFile,
  type Transaction,
} from './actions.ts'

/** A table at a version. Memory: about 1 KB a file. */
export interface Snapshot {
  readonly version: number
  /** The version of the checkpoint from which it was read; absent where there was none. */
  readonly checkpointVersion?: number | undefined
  readonly protocol: Protocol
  readonly metaData: MetaData
  /** The last transaction of each application, by its id. */
  readonly transactions: ReadonlyMap<string, Transaction>
  /** The files of the table, by path. */
  readonly files: ReadonlyMap<string, AddFile>
  /** The files that were removed and may still be read by readers of older versions, by path. */
  readonly removed: ReadonlyMap<string, RemoveFile>
}

/** Plays actions into the state of a table. */
export class SnapshotBuilder {
  #protocol: Protocol | undefined
  #metaData: MetaData | undefined
  readonly #transactions = new Map<string, Transaction>()
  readonly #files = new Map<string, AddFile>()
  readonly #removed = new Map<string, RemoveFile>()

  /** Plays the actions of one version; those of a checkpoint come first. */
  play(actions: Iterable<Action>): void {
    for (const { protocol, metaData, add, remove, txn } of actions) {
      if (protocol) this.#protocol = protocol
      if (metaData) this.#metaData = metaData
      if (txn) this.#transactions.set(txn.appId, txn)
      if (add) {
        this.#files.set(add.path, add)
        this.#removed.delete(add.path)
      }
      if (remove) {
        this.#files.delete(remove.path)
        this.#removed.set(remove.path, remove)
      }
    }
  }

  /** Returns the state after what was played. @throws DELTA_INVALID where it has no protocol or no columns */
  snapshot(version: number, table: string, checkpointVersion?: number): Snapshot {
    const [protocol, metaData] = [this.#protocol, this.#metaData]
    if (!protocol || !metaData)
      throw invalidLog(table, `expected protocol and metaData in versions up to ${version}, got none`)
    const [transactions, files, removed] = [new Map(this.#transactions), new Map(this.#files), new Map(this.#removed)]
    return { version, checkpointVersion, protocol, metaData, transactions, files, removed }
  }
}
