/** Parses path templates: text and `{name}` placeholders. */
export type TemplateToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly name: string }

/** Matches a placeholder: one identifier in braces. `{a,b}`, `{1..3}` and `\{` belong to globs. */
const placeholderSyntax = /\\.|\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** Returns the tokens of a template, in order. Adjacent texts are one token. */
export function templateTokens(template: string): TemplateToken[] {
  const tokens: TemplateToken[] = []
  let textStart = 0
  for (const match of template.matchAll(placeholderSyntax)) {
    const name = match[1]
    if (name === undefined) continue
    if (match.index > textStart) tokens.push({ kind: 'text', text: template.slice(textStart, match.index) })
    tokens.push({ kind: 'placeholder', name })
    textStart = match.index + match[0].length
  }
  if (textStart < template.length) tokens.push({ kind: 'text', text: template.slice(textStart) })
  return tokens
}

/** Returns the placeholder names of a template, each once, in order. */
export function placeholdersOf(template: string): string[] {
  const names = templateTokens(template).flatMap(token => (token.kind === 'placeholder' ? [token.name] : []))
  return [...new Set(names)]
}

/** Returns a regular expression's source that matches this text alone. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Returns whether a text has glob syntax besides placeholders. */
export function hasGlob(template: string): boolean {
  return templateTokens(template).some(token => token.kind === 'text' && /[*?[\]{}\\!()|]/.test(token.text))
}

/** Returns whether a text has characters that no path may have. */
export const hasControlCharacter = (text: string): boolean =>
  [...text].some(character => character < ' ' || character === '\x7f')
