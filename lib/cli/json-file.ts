/** JSON files that users write: parameters and the configuration. */
import { readFileSync } from 'node:fs'
import { PermanentError } from '../errors/errors.ts'

/** Reads the object in a JSON file. @throws USAGE when the file cannot be read, or holds something else */
export function readJsonObject(path: string): Readonly<Record<string, unknown>> {
  const value = parse(path, readText(path))
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  const received = JSON.stringify(value).slice(0, 80)
  throw new PermanentError('USAGE', `expected a JSON object in ${path}, got ${received}`, { path })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const message = `expected a readable file, got ${path}: ${(cause as Error).message}`
    throw new PermanentError('USAGE', message, { path }, { cause })
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PermanentError('USAGE', `expected JSON in ${path}: ${(cause as Error).message}`, { path }, { cause })
  }
}
