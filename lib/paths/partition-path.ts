/** Hive-style folders of partition values, escaped so that a value is never a path. */

/** Partition values as text, null for null, in the order of `partitionBy`. */
export type Partition = Readonly<Record<string, string | null>>

/** What the field writes for a null, also for an empty value. */
export const nullPartition = '__HIVE_DEFAULT_PARTITION__'

/** `state=NY/year=2001/`; empty without partitions. */
export function partitionFolder(partition: Readonly<Record<string, string | null>>): string {
  return Object.entries(partition)
    .map(
      ([name, value]) => `${escapePart(name)}=${value === null || value === '' ? nullPartition : escapeValue(value)}/`,
    )
    .join('')
}

/** Matches the folders of all partitions of these columns. */
export const partitionGlob = (names: readonly string[]): string => names.map(name => `${escapePart(name)}=*`).join('/')

/** A text that looks like the mark of a null is told apart from it. */
const escapeValue = (value: string): string =>
  value === nullPartition ? `%5F${escapePart(value.slice(1))}` : escapePart(value)

/** As Hive and Spark escape: control characters and what a path or a shell would read. Dots alone would climb. */
function escapePart(text: string): string {
  const safe = [...text].map(character => (mustEscape(character) ? encode(character) : character)).join('')
  return /^\.+$/.test(safe) ? safe.replaceAll('.', '%2E') : safe
}

const escaped = new Set('"#%\'*/:=?\\{}[]^\u007f')

const mustEscape = (character: string): boolean => character < ' ' || escaped.has(character)

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
