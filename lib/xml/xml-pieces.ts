/** Cuts a document where the parser can go on: not within a tag, nor within an end of a line. */

/** Comments and instructions, also without their end. */
const asides = /<!--[\s\S]*?(?:-->|$)|<\?[\s\S]*?(?:\?>|$)/g
/** A tag that is neither a declaration nor a comment. */
const rootTag = /<[^?!<][^<>]*>/

export class XmlPieces {
  #held = ''
  #isTop = true

  get heldCharacters(): number {
    return this.#held.length
  }

  /**
   * Adds text and returns what can be parsed. All up to the outermost element is one piece, so that the parser knows its line. Ends of
   * lines are newlines, as XML has them.
   */
  add(xml: string): string {
    const text = (this.#held + xml).replace(/\r\n|\r(?!$)/g, '\n')
    const end = endOfTags(text)
    const ready = text.slice(0, end)
    if (this.#isTop && !rootTag.test(ready.replace(asides, ''))) {
      this.#held = text
      return ''
    }
    this.#isTop = false
    this.#held = text.slice(end)
    return ready
  }

  rest(): string {
    const rest = this.#held.replace(/\r$/, '\n')
    this.#held = ''
    return rest
  }
}

/** Returns where a tag begins that does not end in the text. The parser takes a `>` in a value that is cut for the end of the tag. */
function endOfTags(text: string): number {
  const last = text.endsWith('\r') ? text.length - 1 : text.length
  const start = text.lastIndexOf('<')
  if (start === -1 || '!?'.includes(text[start + 1] ?? '<')) return last
  let quote = ''
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]
    if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '>') return last
    else if (character === '"' || character === "'") quote = character
  }
  return start
}
