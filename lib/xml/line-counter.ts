/** Counts the lines of a document while it is parsed, of which the parser does not know those of earlier pieces. */

/** Matches the first newline of a tag, also in a value or after one with a `>`. Its time is linear in the piece. */
const newlineInTag = /<(?:[^<>"'\r\n]|"[^"\r\n]*"|'[^'\r\n]*')*(?:"[^"\r\n]*|'[^'\r\n]*)?[\r\n]/

export class LineCounter {
  /** The line of the next token, from 1. */
  line = 1
  #hasTagLines = false
  #wasReturn = false
  /** Newlines before what the parser has of the document: a piece, and the rest of the one before that was no whole token. */
  #before = 0
  #held = 0
  #passed = 0

  /** Begins a piece of the document, which does not end in a tag. */
  begin(piece: string): void {
    this.#countBefore(piece)
    this.#hasTagLines = newlineInTag.test(piece)
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

  /**
   * Passes to the first character of a text outside of the outermost element. Of a text before a tag the parser gives the line of the tag,
   * and not always its first character; of the last text it gives the beginning.
   */
  passTextOutside({ line, data }: { readonly line: number; readonly data: string }, isLast: boolean): void {
    const first = Math.max(0, data.search(/\S/))
    const newlines = isLast ? newlinesIn(data.slice(0, first)) : -newlinesIn(data.slice(first))
    this.line = Math.max(this.line, this.#before + line + newlines + 1)
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
