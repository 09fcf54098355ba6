/** Writes the log of a run as JSON lines to a file on this machine. */
import { readFile } from 'node:fs/promises'
import { type Logger as Pino, pino } from 'pino'
import type { RunEvent } from '../../model/events.ts'

/** A line of the log: the `log` event without its task, because each task has a file. */
export type LogLine = Omit<Extract<RunEvent, { readonly event: 'log' }>, 'event' | 'task'>

/** Limit on the log, so that a program that logs without end does not fill the disk. A last line counts the omitted lines. */
const logBytesMax = 64 * 1024 * 1024

/** Creates the file and writes synchronously, so that a killed process loses no line. */
export function openLog(file: string) {
  const destination = pino.destination({ dest: file, sync: true, mkdir: true })
  let bytes = 0
  let omitted = 0
  const counted = {
    write(text: string) {
      bytes += text.length
      if (bytes > logBytesMax) omitted++
      else destination.write(text)
    },
  }
  const logger: Pino = pino({ ...options }, counted)
  return {
    write: ({ level, message, fields, ...where }: LogLine): void => logger[level]({ ...where, fields }, message),
    /** Returns the lines so far, at most the first 64 MiB. */
    read: () => readFile(file),
    close(): void {
      bytes = 0
      if (omitted > 0) logger.warn(`the log is full: ${omitted} lines were omitted`)
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
