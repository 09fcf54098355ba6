/** Keeps the code hashes of tasks in a file, so that a later process does not parse the code again. */
import { sha256 } from './bundle-inputs.ts'
import type { TaskCode } from './code-hash.ts'
import { markUsed, readOwnFile, writeOwnFile } from './own-file.ts'

interface Kept {
  /** SHA-256 of the text that the hashes belong to. */
  readonly text: string
  /** Hashes by all that they are computed from, besides the text. */
  readonly hashes: Readonly<Record<string, string>>
}

/** Returns a function that finds the hash of a task's code in a file, or computes it with `hash` and writes it there. */
export function keptHashes(path: string, text: string, hash: (code: TaskCode) => string): (code: TaskCode) => string {
  const textHash = sha256(text)
  let { hashes } = read(path, textHash)
  return code => {
    const key = JSON.stringify([code.task, code.exportedAs, code.position, code.version, code.versions])
    const found = hashes[key]
    if (found !== undefined) return found
    const computed = hash(code)
    hashes = { ...hashes, [key]: computed }
    writeOwnFile(path, JSON.stringify({ text: textHash, hashes } satisfies Kept))
    return computed
  }
}

/** Returns no hashes where the file is missing, damaged, or of another text. */
function read(path: string, text: string): Kept {
  try {
    const kept = JSON.parse(readOwnFile(path)) as Kept
    if (kept.text === text && Object.values(kept.hashes).every(hash => /^[0-9a-f]{64}$/.test(hash))) {
      markUsed(path)
      return kept
    }
  } catch {
    // Whatever is wrong with the file, the hashes are computed again.
  }
  return { text, hashes: {} }
}
