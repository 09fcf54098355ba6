/** Reads the characters of texts and attributes: references such as `&amp;` and `&#65;` are decoded. */

const entities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Every `&`, with the reference that it begins where there is one. */
const references = /&(?:#0*(\d{1,7});|#x0*([0-9a-f]{1,6});|(\w+);)?/gi
/** Control characters that XML does not have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: They are what is looked for.
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f]/

/** Returns a text as it is meant. `fault` makes the error of what XML does not have, and of the text before it. */
export function decodeCharacters(text: string, fault: (got: string, before: string) => Error): string {
  checkControls(text, fault)
  if (!text.includes('&')) return text
  const decoded = text.replace(references, (found, decimal, hex, name, at) => {
    const character = name === undefined ? characterOf(decimal ?? `0x${hex}`) : entities.get(name)
    if (character !== undefined) return character
    const got =
      found === '&' ? 'an & that begins no entity (written &amp;)' : `the unknown entity ${found.slice(0, 20)}`
    throw fault(got, text.slice(0, at))
  })
  // Checked as a whole, because some programs write one character as two references.
  if (!decoded.isWellFormed()) throw fault('a reference to half a character', '')
  return decoded
}

/** Checks a text without references. */
export function checkControls(text: string, fault: (got: string, before: string) => Error): void {
  const at = text.search(controls)
  if (at === -1) return
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
  throw fault(`the control character U+${code}`, text.slice(0, at))
}

function characterOf(written: string): string | undefined {
  const code = Number(written)
  const character = code <= 0x10ffff ? String.fromCodePoint(code) : undefined
  return character === undefined || controls.test(character) ? undefined : character
}
