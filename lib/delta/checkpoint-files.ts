/** Reading and writing the Parquet files of checkpoints, which the engine does. */
import type { Action } from './actions.ts'

export interface CheckpointFiles {
  /**
   * Reads the actions of a checkpoint's files. `place` names them in messages. Memory: the files, and about 1 KB an action.
   * @throws DELTA_INVALID
   */
  read(files: readonly Uint8Array[], place: string): Promise<readonly Action[]>
  /** Returns a checkpoint of these actions as one Parquet file. */
  write(actions: Iterable<Action>): Promise<Uint8Array>
}
