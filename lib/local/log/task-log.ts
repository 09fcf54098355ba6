/** Collects the log of a task's run from all threads: emits lines from the chosen level on, and saves all of them in the run's folder. */
import { join } from 'node:path'
import { isAtLeast, type LogLevel, type RunEvent } from '../../model/events.ts'
import { shortHash } from '../../model/run/identity.ts'
import type { NodeName } from '../../model/run/node-name.ts'
import type { WorkerMessage } from '../../model/worker-job.ts'
import { runKeys } from '../../state/state.ts'
import { foldRepeats } from '../../threads/worker/fold-repeats.ts'
import type { Session } from '../session.ts'
import { type LogLine, openLog } from './logger.ts'

export interface TaskLog {
  /** Handles a line of a function in a thread. */
  onMessage(message: Extract<WorkerMessage, { readonly kind: 'log' }>): void
  /** Writes a line about the run itself to the file only. */
  note(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Adds the run to all later lines, and saves the log in its folder. */
  begin(run: { readonly runId: string; readonly attempt: number }): void
  /** Saves the lines so far; a log that cannot be saved fails no run. */
  save(): Promise<void>
  end(): Promise<void>
}

type LogSession = Pick<Session, 'emit' | 'output' | 'owner' | 'partFolder' | 'options'>

/** Creates the log. Lines before `begin` are saved too. */
export function createTaskLog({ emit, output, owner, partFolder, options }: LogSession, name: NodeName): TaskLog {
  const file = openLog(join(partFolder, `${name.task}-${shortHash(name.node)}.log`))
  const { logLevel = 'info' } = options
  let run: { readonly runId: string; readonly attempt: number } | undefined
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
    onMessage: ({ kind: _, ...line }) => folder.add(line),
    note: (level, message, fields) => write({ level, message, fields }),
    begin: started => {
      run = started
    },
    save,
    async end() {
      folder.flush()
      file.close()
      await save()
    },
  }
}
