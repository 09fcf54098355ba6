/** Removes the folders that are left empty when files are taken out of them, because object stores have no empty folders. */
import { pruneFolders } from './files.ts'

export class EmptiedFolders {
  readonly #root: string
  /** Acts under way, by folder. */
  readonly #acts = new Map<string, number>()

  /** Folders below `root` are removed, not `root` itself. */
  constructor(root: string) {
    this.#root = root
  }

  /**
   * Takes a file out of a folder. Folders are removed after the last of several such acts in them: each attempt costs several times what
   * an act costs.
   */
  async takeOut<T>(folder: string, act: () => Promise<T>): Promise<T> {
    this.#acts.set(folder, (this.#acts.get(folder) ?? 0) + 1)
    try {
      return await act()
    } finally {
      const left = (this.#acts.get(folder) ?? 0) - 1
      if (left > 0) this.#acts.set(folder, left)
      else this.#acts.delete(folder)
      if (left <= 0) await pruneFolders(folder, this.#root)
    }
  }
}
