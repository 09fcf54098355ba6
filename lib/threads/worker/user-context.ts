/** Creates the context that the user's functions get. */

import type { UserFile } from '../../define/columns/row-types.ts'
import type { TaskDefinition } from '../../define/definition.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import { taskLog } from '../../model/task-log.ts'
import type { SendMessage, ThreadSetup } from './thread-state.ts'
import { userFile } from './user-file.ts'

/** Creates the context of the user's functions: the same object for every row of this thread. */
export async function createUserContext(
  task: TaskDefinition,
  { params, secrets = {}, filesFolder = '.' }: Pick<ThreadSetup, 'params' | 'secrets' | 'filesFolder'>,
  send: SendMessage,
  signal: AbortSignal,
): Promise<unknown> {
  const log = taskLog(send)
  const file = (name: string): UserFile => userFile(filesFolder, name)
  const base = { params: Object.freeze({ ...params }), log, secrets: Object.freeze({ ...secrets }), signal, file }
  const state = await runSetup(task, base)
  return Object.freeze({ ...base, state })
}

async function runSetup(task: TaskDefinition, context: unknown): Promise<unknown> {
  try {
    return await task.setup?.(context as never)
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('TRANSFORM_FAILED', `task ${task.name}: setup threw: ${message}`, {}, { cause: error })
  }
}
