/** Writes partition values as Hive-style folders, escaped so that a value is never a path. */

/** Partition values as text, null for null, in the order of `partitionBy`. */
export type Partition = Readonly<Record<string, string | null>>

/** Stands for a null in Hive-style folders, and for an empty value. */
export const nullPartition = '__HIVE_DEFAULT_PARTITION__'

/** Returns folders such as `state=NY/year=2001/`; an empty text without partitions. */
export function partitionFolder(partition: Readonly<Record<string, string | null>>): string {
  return Object.entries(partition)
    .map(
      ([name, value]) => `${escapePart(name)}=${value === null || value === '' ? nullPartition : escapeValue(value)}/`,
    )
    .join('')
}

/** Returns a glob for the folders of all partitions of these columns. */
export const partitionGlob = (names: readonly string[]): string => names.map(name => `${escapePart(name)}=*`).join('/')

/** Escapes a value; one that equals the mark of a null is written differently from it. */
const escapeValue = (value: string): string =>
  value === nullPartition ? `%5F${escapePart(value.slice(1))}` : escapePart(value)

/** Escapes as Hive and Spark do: control characters, and characters with a meaning in paths and shells. A name of dots alone would lead out of the folder. */
function escapePart(text: string): string {
  const safe = [...text].map(character => (mustEscape(character) ? encode(character) : character)).join('')
  return /^\.+$/.test(safe) ? safe.replaceAll('.', '%2E') : safe
}

const escaped = new Set('"#%\'*/:=?\\{}[]^\u007f')

const mustEscape = (character: string): boolean => character < ' ' || escaped.has(character)

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
