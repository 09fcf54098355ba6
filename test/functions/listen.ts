/** Captures what the functions log in this process. */
import { onTestFinished } from 'vitest'

/** Captures the log until the end of the test; the returned function returns the text so far. */
export function listen(): () => string {
  const texts: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream
    stream.write = (text: Uint8Array | string) => texts.push(String(text)) > 0
    onTestFinished(() => {
      stream.write = write
    })
  }
  return () => texts.join('')
}
