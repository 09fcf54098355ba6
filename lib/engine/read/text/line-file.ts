/** Files of lines by which rows made in JavaScript reach the engine. */
import { FileWriter } from '../../../stage/file-writer.ts'

/** A file while it is written. Memory: its buffers. */
export interface LineFile {
  /** Adds a line without its newline. @throws DISK_FULL, STORE_FAILED */
  add(line: string): void
  close(): void
}

/** Characters that are collected before they are encoded. */
const bufferCharacters = 65_536

export function createLineFile(path: string): LineFile {
  const file = new FileWriter(path)
  let text = ''
  const flush = (): void => {
    file.append(Buffer.from(text))
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
        file.close()
      }
    },
  }
}
