/** Stores the files of a test in memory. */
import type { MemoryStore } from '../store/memory-store.ts'
import { zipText } from './zip-text.ts'

/** Contents by key: text, bytes, or the members of an archive. */
export type TestFiles = Readonly<Record<string, string | Uint8Array | Readonly<Record<string, string | Uint8Array>>>>

/** Writes the files into the store. */
export async function putFiles(store: MemoryStore, files: TestFiles): Promise<void> {
  for (const [key, content] of Object.entries(files)) {
    const isMembers = typeof content === 'object' && !(content instanceof Uint8Array)
    await store.write(key, isMembers ? zipText(content) : Buffer.from(content as Uint8Array))
  }
}
