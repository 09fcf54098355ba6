/** What the functions log in this process. */
import { onTestFinished } from 'vitest'

/** From now to the end of the test, instead of being shown; the text so far when called. */
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
