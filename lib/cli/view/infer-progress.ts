/** Shows on one line of the terminal what `infer` is doing; the line is cleared before the result is printed. */
import type { InferProgress } from '../../infer/text.ts'
import { formatCount } from './amounts.ts'

/** Creates the view; it shows nothing when the stream is not a terminal. */
export function inferView(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'> = process.stderr) {
  if (!stream.isTTY) return { show: () => {}, stop: () => {} }
  const clear = '\r\u001b[K'
  return {
    show: (progress: InferProgress) =>
      stream.write(clear + textOf(progress).slice(0, Math.max(1, (stream.columns || 80) - 1))),
    stop: () => stream.write(clear),
  }
}

function textOf({ phase, done, total }: InferProgress): string {
  switch (phase) {
    case 'read':
      return `reading sample ${formatCount(done + 1)} of ${formatCount(total)}`
    case 'find':
      return `looking for columns in ${formatCount(total)} samples`
    case 'check':
      return `reading the samples by what was found: ${formatCount(done)} of ${formatCount(total)} columns`
  }
}
