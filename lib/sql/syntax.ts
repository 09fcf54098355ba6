/** Parses user SQL with the engine's own parser: one SELECT, or one expression. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteText } from '../duckdb/quote.ts'
import { engineName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'

/** A part of the engine's parse tree, as `json_serialize_sql` prints it. */
export type Node = { readonly [key: string]: unknown }

/** Parses a text that must be exactly one SELECT. `where` names the text in messages. @throws SQL_INVALID */
export async function parseSelect(connection: DuckDBConnection, sql: string, where: string): Promise<Node> {
  const reader = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`)
  const parsed = JSON.parse(String(reader.getRows()[0]?.[0]), keepDigits) as Node
  const statements = parsed.statements as readonly Node[] | undefined
  if (parsed.error || !statements) throw invalidSql(where, problemOf(parsed, sql), sql)
  if (statements.length !== 1) throw invalidSql(where, `expected one SELECT, got ${statements.length} statements`, sql)
  return statements[0]?.node as Node
}

/** Parses a text that must be exactly one expression, on its own, so that it stays one inside a larger statement. @throws SQL_INVALID */
export async function parseExpression(connection: DuckDBConnection, text: string, where: string): Promise<Node> {
  const select = await parseSelect(connection, `SELECT ${text}`, where)
  const [expression, ...others] = list(select.select_list)
  const isAlone = others.length === 0 && expression?.alias === '' && isPlainSelect(select)
  if (!expression || !isAlone) throw invalidSql(where, 'expected one expression, got more than that', text)
  return expression
}

/** Whether a SELECT has only expressions: no FROM, no clause, no modifier. */
function isPlainSelect(select: Node): boolean {
  const { from_table, where_clause, group_expressions, having, qualify, sample, modifiers, cte_map } = select
  const clauses = [...list(group_expressions), ...list(modifiers), ...list((cte_map as Node | undefined)?.map)]
  const isEmpty = (from_table as Node | undefined)?.type === 'EMPTY' && clauses.length === 0
  return select.type === 'SELECT_NODE' && isEmpty && !where_clause && !having && !qualify && !sample
}

/** Returns the text of a parsed SELECT with another list of columns. */
export async function selectText(
  connection: DuckDBConnection,
  select: Node,
  columns: readonly Node[],
): Promise<string> {
  const node = { ...select, select_list: columns }
  const tree = JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] })
  const reader = await connection.runAndReadAll(`SELECT json_deserialize_sql(${quoteText(tree)})`)
  return String(reader.getRows()[0]?.[0])
}

/** Returns the text of a parsed SELECT with one more column at the end of its list. */
export const selectWithColumn = (connection: DuckDBConnection, select: Node, column: Node): Promise<string> =>
  selectText(connection, select, [...list(select.select_list), column])

/** Returns the names of tables in a tree, as they are written; those of common table expressions are not among them. */
export function tableNames(tree: unknown): readonly string[] {
  const named = new Set<string>()
  const expressions = new Set<string>()
  for (const { type, table_name: name, cte_map: map } of nodesIn(tree)) {
    if (type === 'BASE_TABLE') named.add(String(name))
    for (const { key } of list((map as Node | undefined)?.map)) expressions.add(engineName(String(key)))
  }
  return [...named].filter(name => !expressions.has(engineName(name)))
}

/** Yields the nodes of a tree, each before those in its parts. */
export function* nodesIn(
  tree: unknown,
  partsOf: (node: Node) => readonly unknown[] = Object.values,
): Generator<Node, void> {
  if (typeof tree !== 'object' || tree === null) return
  if (!Array.isArray(tree)) yield tree as Node
  for (const part of Array.isArray(tree) ? tree : partsOf(tree as Node)) yield* nodesIn(part, partsOf)
}

/** Keeps numbers as they are written: those of a parse tree may have more digits than a JavaScript number. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(context.source)
}

/** Returns the error SQL_INVALID for the text that `where` names. */
export const invalidSql = (where: string, problem: string, sql: string): PermanentError =>
  new PermanentError('SQL_INVALID', `${where}: ${problem}`, { where, sql })

/** Returns the parser's message, with the last words before the place of a syntax error. */
function problemOf({ error_message: given = 'it does not parse', position }: Node, sql: string): string {
  const message = String(given)
  if (message.startsWith('Only SELECT')) return 'expected one SELECT, got another kind of statement'
  if (position === undefined || !message.includes(' at or near ')) return message
  const before = Buffer.from(sql).subarray(0, Number(position)).toString().replaceAll(/\s+/g, ' ').trim()
  const hint = message.includes('near "-"') ? '; a name with a hyphen needs double quotes, such as "per-user"' : ''
  return before === ''
    ? message
    : `${message}, after ${before.length > 40 ? '… ' : ''}${before.slice(-40).trim()}${hint}`
}

/** Returns a list of the tree; an empty one where the tree has none. */
export const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? (value as Node[]) : [])
