/** Services of an engine for plans and commits, which load it when it is needed first: most runs of complete tasks need none. */
import type { CheckpointFiles } from '../model/checkpoint-files.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import { neededPartitions } from './needed-partitions.ts'

/** Reads and writes the checkpoints of Delta tables. */
const checkpoints: CheckpointFiles = {
  read: async files => (await load()).read(files),
  write: async actions => (await load()).write(actions),
}

const load = async (): Promise<CheckpointFiles> =>
  (await import('../engine/delta-checkpoint.ts')).deltaCheckpoints(inOwnFolder)

export const engineServices = { neededPartitions, checkpoints }
