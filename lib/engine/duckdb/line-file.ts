/** Files of lines by which rows made in JavaScript reach the engine. */
import { closeSync, openSync, writeSync } from 'node:fs'

/** A file while it is written. Memory: its buffer. */
export interface LineFile {
  /** Adds a line without its newline. */
  add(line: string): void
  close(): void
}

/** Characters that are collected before they are written. */
const bufferCharacters = 65_536

export function createLineFile(path: string): LineFile {
  const handle = openSync(path, 'w')
  let text = ''
  const flush = (): void => {
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written)
    text = ''
  }
  return {
    add(line) {
      text += `${line}\n`
      if (text.length >= bufferCharacters) flush()
    },
    close() {
      try {
        flush()
      } finally {
        closeSync(handle)
      }
    },
  }
}
