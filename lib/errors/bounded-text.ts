/** Cuts texts for the output of a state, which may have 256 KiB in all. */

const cutNote = ' … (cut short here; fanmill status shows all of it)'

/** Returns the bytes of a text as JSON within JSON: a function's error is a text in the state's cause, which is a text in the output. */
export function nestedBytes(text: string): number {
  return new TextEncoder().encode(JSON.stringify(JSON.stringify(text))).length
}

/** Returns the text, or its beginning with a note, so that it takes at most `bytesMax` as JSON within JSON. */
export function boundedText(text: string, bytesMax: number): string {
  if (nestedBytes(text) <= bytesMax) return text
  let fits = 0
  let over = text.length
  while (over - fits > 1) {
    const middle = (fits + over) >> 1
    if (nestedBytes(text.slice(0, middle) + cutNote) <= bytesMax) fits = middle
    else over = middle
  }
  // Half of a surrogate pair is removed, because it is no text.
  return text.slice(0, fits).replace(/[\uD800-\uDBFF]$/, '') + cutNote
}

/** Bytes for the errors of all tasks in the output of their Parallel state, with room for the rest of it. */
const faultBytesMax = 160_000
const oneFaultBytes = { min: 400, max: 8_000 }

/** Returns the bytes for the message of one task's error, where so many tasks may fail side by side. */
export function messageBytesMax(taskCount: number): number {
  return Math.max(oneFaultBytes.min, Math.min(oneFaultBytes.max, Math.floor(faultBytesMax / taskCount)))
}
