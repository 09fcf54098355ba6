/** The log of a run: JSON lines in a file of this machine. */
import { readFile } from 'node:fs/promises'
import { type Logger as Pino, pino } from 'pino'
import type { RunEvent } from '../model/events.ts'

/** As events tell it, but for the task, whose file it is. */
export type LogLine = Omit<Extract<RunEvent, { readonly event: 'log' }>, 'event' | 'task'>

export interface RunLog {
  write(line: LogLine): void
  /** All lines so far, or the first 64 MiB of them. */
  read(): Promise<Uint8Array>
  close(): void
}

/** A program that logs without end must not fill the disk; what is left out is counted in a last line. */
const logBytesMax = 64 * 1024 * 1024

/** Writes synchronously, so that a process that is killed leaves what it logged. The file is made. */
export function openLog(file: string): RunLog {
  const destination = pino.destination({ dest: file, sync: true, mkdir: true })
  let bytes = 0
  let leftOut = 0
  const counted = {
    write(text: string) {
      bytes += text.length
      if (bytes > logBytesMax) leftOut++
      else destination.write(text)
    },
  }
  const logger: Pino = pino({ ...options }, counted)
  return {
    write: ({ level, message, fields, ...where }) => logger[level]({ ...where, ...(fields && { fields }) }, message),
    read: () => readFile(file),
    close() {
      bytes = 0
      if (leftOut > 0) logger.warn(`the log is full: ${leftOut} lines were left out`)
      destination.end()
    },
  }
}

const options = {
  level: 'debug',
  messageKey: 'message',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level: string) => ({ level }) },
}
