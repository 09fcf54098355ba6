/** Reading and writing the Parquet files of a Delta table's checkpoints, which an engine does. */

export interface CheckpointFiles {
  /**
   * Returns the actions of a checkpoint's files, each as JSON. Memory: the files, and about 1 KB an action.
   * @throws ENGINE_FAILED for files that are no checkpoint
   */
  read(files: readonly Uint8Array[]): Promise<readonly string[]>
  /** Returns a checkpoint of actions, each as JSON, as one Parquet file. */
  write(actions: Iterable<string>): Promise<Uint8Array>
}
