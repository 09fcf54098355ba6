/** Finds the columns that a parse tree names. */
import { engineName } from '../errors/engine-name.ts'
import { list, type Node, nodesIn } from './syntax.ts'

/** Returns those of the names that a parsed SELECT over these tables uses; all where it may use any. */
export function treeColumns(tree: Node, tables: readonly string[], names: readonly string[]): readonly string[] {
  const used = new Set<string>()
  const rows = aliasesIn(tree, tables)
  return collectNames(tree, rows, new Map(names.map(name => [engineName(name), name])), used) ? [...used] : names
}

/** Returns the names by which whole rows can be meant. */
export function aliasesIn(tree: Node, tables: readonly string[] = ['input']): ReadonlySet<string> {
  const found = new Set(tables.map(table => engineName(table)))
  for (const { alias, type } of nodesIn(tree))
    if (typeof type === 'string' && type.endsWith('_TABLE') && typeof alias === 'string') found.add(engineName(alias))
  return found
}

/** Adds the names in a tree; false where something in it may mean all columns. */
export function collectNames(
  tree: Node,
  rows: ReadonlySet<string>,
  known: ReadonlyMap<string, string>,
  used: Set<string>,
): boolean {
  for (const node of nodesIn(tree)) {
    const { class: kind, column_names: path, using_columns: using, column_name_alias: renamed, ref_type: join } = node
    if (kind === 'STAR' || kind === 'POSITIONAL_REFERENCE' || join === 'NATURAL' || list(renamed).length > 0)
      return false
    const names = (path ?? []) as readonly string[]
    const alone = kind === 'COLUMN_REF' && names.length === 1 ? engineName(String(names[0])) : undefined
    // A column that is named like the rows comes before them.
    if (alone !== undefined && rows.has(alone) && !known.has(alone)) return false
    for (const name of [...columnParts(names, rows, known), ...((using ?? []) as readonly string[])]) {
      const column = known.get(engineName(String(name)))
      if (column !== undefined) used.add(column)
    }
  }
  return true
}

/** Returns those parts of a reference that may name a column, in lower case: what follows a column are fields of its value. */
function columnParts(
  path: readonly string[],
  rows: ReadonlySet<string>,
  known: ReadonlyMap<string, string>,
): readonly string[] {
  const parts = path.map(engineName)
  const at = parts.findLastIndex(part => rows.has(part)) + 1
  return known.has(parts[at] ?? '') ? parts.slice(0, at + 1) : parts
}
