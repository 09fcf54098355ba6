/** The one log of a task's run, whichever thread a line comes from: shown from the level that was asked for, kept whole in the run's folder. */
import { join } from 'node:path'
import { isAtLeast, type LogLevel, type RunEvent } from '../model/events.ts'
import type { WorkerMessage } from '../model/worker-job.ts'
import { runKeys } from '../state/state.ts'
import { foldRepeats } from '../threads/fold-repeats.ts'
import { type LogLine, openLog } from './logger.ts'
import type { Session } from './session.ts'

export interface TaskLog {
  /** What a thread's function said. */
  hear(message: Extract<WorkerMessage, { readonly kind: 'log' }>): void
  /** A line for the file alone: what the run itself did. */
  note(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void
  /** From here on lines carry the run, and there is a folder to keep them in. */
  begin(run: { readonly runId: string; readonly attempt: number }): void
  /** Keeps what there is so far; a log that cannot be kept fails no run. */
  save(): Promise<void>
  end(): Promise<void>
}

type LogSession = Pick<Session, 'tell' | 'output' | 'owner' | 'partFolder' | 'options'>

/** Lines before `begin` are kept with those after it. */
export function createTaskLog({ tell, output, owner, partFolder, options }: LogSession, task: string): TaskLog {
  const file = openLog(join(partFolder, `${task}.log`))
  const { logLevel = 'info' } = options
  let run: { readonly runId: string; readonly attempt: number } | undefined
  const write = (line: LogLine): void => file.write({ ...(run && { run: run.runId }), ...line })
  const folder = foldRepeats((line: LogLine) => {
    write(line)
    if (isAtLeast(line.level, logLevel))
      tell({ event: 'log', task, ...(run && { run: run.runId }), ...line } satisfies RunEvent)
  })
  const save = async (): Promise<void> => {
    if (!run) return
    const key = runKeys(run.runId, run.attempt).log(owner.id)
    await file
      .read()
      .then(bytes => output.write(key, bytes))
      .catch(() => undefined)
  }
  return {
    hear: ({ kind: _, ...line }) => folder.add(line),
    note: (level, message, fields) => write({ level, message, ...(fields && { fields }) }),
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
