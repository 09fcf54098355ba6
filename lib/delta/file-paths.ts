/** Paths of a table's files in its log, where they are percent-encoded. */
import { PermanentError } from '../errors/errors.ts'

/** Returns a key, relative to the table, as the log has it. Bytes other than unreserved characters, `/` and `=` are encoded. */
export const encodedPath = (key: string): string =>
  key
    .split('/')
    .map(segment =>
      encodeURIComponent(segment)
        .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
        .replaceAll('%3D', '='),
    )
    .join('/')

/** Returns the key, relative to the table, of a path in the log. @throws DELTA_UNSUPPORTED for a file outside of the table's folder */
export function decodedPath(path: string, table: string): string {
  const isOutside = /^[a-z][a-z\d+.-]*:/i.test(path) || path.startsWith('/')
  const key = isOutside ? undefined : decoded(path)
  if (key !== undefined && !key.split('/').includes('..')) return key
  const message = `${table}: expected files below the table's folder, got ${path}; copy the table without references to files elsewhere (a deep clone)`
  throw new PermanentError('DELTA_UNSUPPORTED', message, { table, path })
}

/** Some writers do not encode percent signs, which are then taken as they are. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
