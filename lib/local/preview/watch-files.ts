/** Waits until one of some files is saved. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Editors write a file in several steps: so long after the last one it is saved. */
const settledMs = 80

/**
 * Watches folders, because editors put a new file in place of the old one. `saved` resolves when a file was saved since then, and rejects with
 * the reason of an abort.
 */
export function watchFiles(files: readonly string[], signal?: AbortSignal) {
  const watchers: FSWatcher[] = []
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
  const saved = new Promise<void>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    for (const [folder, inFolder = []] of Object.entries(Object.groupBy(new Set(files), dirname))) {
      const names = new Set(inFolder.map(file => basename(file)))
      const watcher = watch(folder, (_event, name) => {
        if (name !== null && !names.has(name)) return
        clearTimeout(timer)
        timer = setTimeout(resolve, settledMs)
      })
      watchers.push(watcher.on('error', reject))
    }
  })
  const ended = saved.finally(stop)
  // A watch that is no longer needed may still end by an abort.
  ended.catch(() => undefined)
  return { saved: ended, stop }
}
