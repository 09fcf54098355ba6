/** The text of an SQL step, with its placeholders numbered. */
import type { SqlStep } from '../../define/definition.ts'

/** Returns the step's text with placeholders numbered from `first`. */
export function stepSql(step: SqlStep, first: number): string {
  const text = step.texts.reduce((sql, part, index) => `${sql}$${first + index - 1}${part}`)
  return text
    .replace(commentAtEnd, '')
    .replace(/[;\s]+$/, '')
    .trim()
}

/** A comment after the last semicolon; one with a character that could end a text, a name or another comment is not removed. */
const commentAtEnd = /;\s*(?:--[^\n'"$*]*(?:\n\s*|$)|\/\*[^'"$*]*\*\/\s*)+$/
