/** Keeps files of staged text whose rows are written, so that the next text is written over them: in a tmpfs, new pages cost more than filling them. */
import { renameSync, rmSync } from 'node:fs'

export interface SpareOptions {
  /** Limit on files that are kept; what they hold is bounded by the texts that were staged at once. */
  readonly filesMax: number
  /** Time after which they are removed when none was needed or kept meanwhile; default they are kept until `close`. */
  readonly idleMs?: number
}

/** The kept files of a folder. One that is moved away belongs to its writer. */
export class SpareFiles {
  private readonly files = new Set<string>()
  private readonly idleMs: number | undefined
  private filesMax: number
  private timer: NodeJS.Timeout | undefined

  constructor({ filesMax, idleMs }: SpareOptions) {
    this.filesMax = filesMax
    this.idleMs = idleMs
  }

  /** Keeps a file that is not needed any more. Returns false where there are enough: the caller removes it. */
  keep(file: string): boolean {
    if (this.files.size >= this.filesMax) return this.files.has(file)
    this.files.add(file)
    this.startTimer()
    return true
  }

  /** Moves a kept file, with its old text, to a path. Returns false when there is none. */
  moveTo(path: string): boolean {
    const [file] = this.files
    if (file === undefined) return false
    this.files.delete(file)
    this.startTimer()
    try {
      renameSync(file, path)
      return true
    } catch {
      return false
    }
  }

  /** Removes the files, and keeps no others. */
  close(): void {
    this.filesMax = 0
    this.removeAll()
  }

  private startTimer(): void {
    clearTimeout(this.timer)
    if (this.idleMs === undefined || this.files.size === 0) return
    // Deliberately not left to itself by `unref`, which would count as a trace of the user's code in the thread.
    this.timer = setTimeout(() => this.removeAll(), this.idleMs)
  }

  private removeAll(): void {
    clearTimeout(this.timer)
    for (const file of this.files)
      try {
        rmSync(file, { force: true })
      } catch {
        // Left to whoever removes the folder.
      }
    this.files.clear()
  }
}
