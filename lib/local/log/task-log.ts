/** Collects the log of a task's run from all threads: emits lines from the chosen level on, and saves all of them in the run's folder. */
import { join } from 'node:path'
import { isAtLeast, type LogLevel, type RunEvent } from '../../model/events.ts'
import { type RunName, shortHash } from '../../model/run/identity.ts'
import type { NodeName } from '../../model/run/node-name.ts'
import type { WorkerMessage } from '../../model/worker-job.ts'
import { runKeys } from '../../state/state.ts'
import { foldRepeats } from '../../threads/worker/fold-repeats.ts'
import type { Session } from '../session.ts'
import { type LogLine, openLog } from './logger.ts'

export type TaskLog = ReturnType<typeof createTaskLog>

type LogSession = Pick<Session, 'emit' | 'output' | 'owner' | 'partFolder' | 'options'>

/** Creates the log. Lines before `begin` are saved too. */
export function createTaskLog({ emit, output, owner, partFolder, options }: LogSession, name: NodeName) {
  const file = openLog(join(partFolder, `${name.task}-${shortHash(name.node)}.log`))
  const { logLevel = 'info' } = options
  let run: RunName | undefined
  const write = (line: LogLine): void => file.write({ runId: run?.runId, ...line })
  const folder = foldRepeats((line: LogLine) => {
    write(line)
    if (isAtLeast(line.level, logLevel)) emit({ event: 'log', ...name, runId: run?.runId, ...line } satisfies RunEvent)
  })
  const save = async (): Promise<void> => {
    if (!run) return
    const key = runKeys(run).log(owner.id)
    await file
      .read()
      .then(bytes => output.write(key, bytes))
      .catch(() => undefined)
  }
  return {
    /** Handles a line of a function in a thread. */
    onMessage: ({ kind: _, ...line }: Extract<WorkerMessage, { readonly kind: 'log' }>): void => folder.add(line),
    /** Writes a line about the run itself to the file only. */
    note: (level: LogLevel, message: string, fields?: LogLine['fields']): void => write({ level, message, fields }),
    /** Adds the run to all later lines, and saves the log in its folder. */
    begin(started: RunName): void {
      run = started
    },
    /** Saves the lines so far; a log that cannot be saved fails no run. */
    save,
    async end(): Promise<void> {
      folder.flush()
      file.close()
      await save()
    },
  }
}
