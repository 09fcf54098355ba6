/** The reader and writer of Delta tables' checkpoints, whose engine is loaded when the first checkpoint is met. */
import { tmpdir } from 'node:os'
import type { CheckpointFiles } from '../model/checkpoint-files.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'

export const checkpointFiles: CheckpointFiles = {
  read: async files => (await load()).read(files),
  write: async actions => (await load()).write(actions),
}

const load = async (): Promise<CheckpointFiles> =>
  (await import('../engine/delta-checkpoint.ts')).deltaCheckpoints({
    make: () => makeOwnFolder(tmpdir()),
    remove: removeOwnFolder,
  })
