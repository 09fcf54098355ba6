/** The log that the user's functions write to. */
import type { TaskLog } from '../define/columns/row-types.ts'
import { type LogLevel, logLevels } from './events.ts'
import type { WorkerMessage } from './worker-job.ts'

/** Returns a log whose lines are sent as messages. */
export function taskLog(send: (message: WorkerMessage) => void): TaskLog {
  const lines = logLevels.map((level: LogLevel) => [
    level,
    (message: string, fields?: Readonly<Record<string, unknown>>) => send({ kind: 'log', level, message, fields }),
  ])
  return Object.fromEntries(lines) as TaskLog
}
