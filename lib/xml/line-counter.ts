/** Counts the lines of a document while it is parsed, of which the parser does not know those of earlier pieces. */

/** Newlines within a tag, or at the end of a piece in one: attributes may stand on lines of their own. Its time is linear in the piece. */
const newlineInTag = /<[^<>]*[\r\n]/

export class LineCounter {
  /** The line of the next token, from 1. */
  line = 1
  #endsInTag = ''
  #hasTagLines = false
  #wasReturn = false
  /** Newlines before what the parser has of the document: a piece, and the rest of the one before that was no whole token. */
  #before = 0
  #held = 0
  #passed = 0

  /** Begins a piece of the document. */
  begin(piece: string): void {
    this.#countBefore(piece)
    const text = this.#endsInTag + piece
    this.#hasTagLines = newlineInTag.test(text)
    this.#endsInTag = text.slice(text.lastIndexOf('<'))
    if (this.#endsInTag.includes('>')) this.#endsInTag = ''
  }

  #countBefore(piece: string): void {
    this.#before += this.#passed
    const end = Math.max(piece.lastIndexOf('>') + 1, piece.lastIndexOf('<'))
    const isHeld = end === 0 && piece[0] !== '<'
    this.#passed = isHeld ? 0 : this.#held + newlinesIn(piece.slice(0, end))
    this.#held = (isHeld ? this.#held : 0) + newlinesIn(piece.slice(end))
  }

  /** Passes to what is outside of the outermost element: the parser says nothing of the white space there. */
  passOutside(context: () => { readonly line: number }): void {
    this.line = Math.max(this.line, this.#before + context().line + 1)
  }

  /** Passes over a text, a comment or the like. */
  pass(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === 13 || (code === 10 && !this.#wasReturn)) this.line++
      this.#wasReturn = code === 13
    }
  }

  /** Passes over a tag, whose text is looked at only where a tag of the piece has newlines. */
  passTag(context: () => { readonly data: string }): void {
    this.#wasReturn = false
    if (this.#hasTagLines) this.pass(context().data)
  }
}

function newlinesIn(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++
  return count
}
