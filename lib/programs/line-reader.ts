/** Cuts the output of a program into lines. */
import { StringDecoder } from 'node:string_decoder'

/** A longer line is cut, so that a program that writes none needs no memory. */
const lineLengthMax = 16_384

/** Calls `onLine` with each line that is not empty, without its end. */
export function lineReader(onLine: (line: string) => void) {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const pass = (line: string): void => {
    for (let start = 0; start < line.length; start += lineLengthMax) onLine(line.slice(start, start + lineLengthMax))
  }
  return {
    write(bytes: Buffer): void {
      const lines = (rest + decoder.write(bytes)).split(/\r?\n|\r(?!\n|$)/)
      rest = lines.pop() ?? ''
      for (const line of lines) pass(line)
      if (rest.length < lineLengthMax) return
      pass(rest)
      rest = ''
    },
    /** Passes on what follows the last line end. */
    end(): void {
      pass(rest + decoder.end())
      rest = ''
    },
  }
}
