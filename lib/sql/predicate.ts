/** Splits conditions into the parts that rows must all meet, to find what no row of a partition or row group can meet. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SqlStep } from '../define/definition.ts'
import { type BoundQuery, bindable, runBound } from '../duckdb/bound-query.ts'
import { quoteText } from '../duckdb/quote.ts'
import { engineName } from '../errors/engine-name.ts'
import { allowedExpression } from './allowed.ts'
import { list, type Node, nodesIn, parseSelect, selectText } from './syntax.ts'

/** One of several conditions that are joined by AND. */
export interface Conjunct {
  readonly node: Node
  /** Its columns in lower case; undefined where it has a subquery, or a reference that is no plain column of `input`. */
  readonly columns: readonly string[] | undefined
  readonly values: readonly SqlStep['values'][number][]
}

/** @throws SQL_INVALID for a text that is not one allowed expression */
export async function conjunctsOf(
  connection: DuckDBConnection,
  conditions: readonly Pick<SqlStep, 'texts' | 'values'>[],
): Promise<readonly Conjunct[]> {
  const found: Conjunct[] = []
  for (const { texts, values } of conditions) {
    const sql = texts.reduce((all, text, index) => `${all}$${index}${text}`)
    const expression = await allowedExpression(connection, sql, 'where')
    for (const node of conjunctNodes(expression)) found.push({ node, values, columns: columnsOf(node) })
  }
  return found
}

const conjunctNodes = (node: Node): readonly Node[] =>
  node.type === 'CONJUNCTION_AND' ? list(node.children).flatMap(conjunctNodes) : [node]

function columnsOf(node: Node): readonly string[] | undefined {
  const names = new Set<string>()
  for (const { class: kind, column_names: path } of nodesIn(node)) {
    if (kind === 'SUBQUERY' || kind === 'LAMBDA' || kind === 'STAR' || kind === 'WINDOW') return undefined
    if (kind !== 'COLUMN_REF') continue
    const parts = (path as readonly string[]).map(engineName)
    const [first, second] = parts
    if (first === undefined || parts.length > 2 || (second !== undefined && first !== 'input')) return undefined
    names.add(second ?? first)
  }
  return [...names]
}

/** Returns the text of an expression of the parse tree. */
export async function expressionText(connection: DuckDBConnection, node: Node): Promise<string> {
  const select = await parseSelect(connection, 'SELECT 1', 'where')
  return (await selectText(connection, select, [node])).replace(/^SELECT /, '')
}

/** Returns the query with its placeholders numbered from 1, because the engine refuses values that no placeholder has. */
export function boundQuery(
  parts: readonly (string | { readonly text: string; readonly values: Conjunct['values'] })[],
): BoundQuery {
  const values: SqlStep['values'][number][] = []
  const sql = parts.map(part => {
    if (typeof part === 'string') return part
    const numbers = new Map<string, number>()
    return part.text.replace(placeholder, (all, number: string | undefined) => {
      if (number === undefined) return all
      if (!numbers.has(number))
        numbers.set(number, values.push(part.values[Number(number) - 1] as Conjunct['values'][number]))
      return `$${numbers.get(number)}`
    })
  })
  return { sql: sql.join(''), values: values.map(bindable) }
}

/** Returns those rows of texts, by their index, that meet a condition. `columns` are SQL over the texts, which are named `t0`, `t1` and so on. */
export async function rowsThatMeet(
  connection: DuckDBConnection,
  { rows, columns }: { readonly rows: readonly (readonly (string | null)[])[]; readonly columns: readonly string[] },
  condition: Parameters<typeof boundQuery>[0],
): Promise<ReadonlySet<number>> {
  const values = rows.map((texts, index) => `(${[index, ...texts.map(textSql)].join(', ')})`)
  const names = rows[0]?.map((_, at) => `t${at}`) ?? []
  const from = `(VALUES ${values.join(', ')}) AS t(_fanmill_number, ${names.join(', ')})`
  const sql = `SELECT _fanmill_number FROM (SELECT _fanmill_number, ${columns.join(', ')} FROM ${from}) AS input WHERE `
  const result = await runBound(connection, boundQuery([sql, ...condition]))
  return new Set((await result.getRows()).map(([at]) => Number(at)))
}

const textSql = (text: string | null): string => (text === null ? 'CAST(NULL AS VARCHAR)' : quoteText(text))

/** Texts and quoted names are skipped; the engine prints no dollar quotes and no comments. */
const placeholder = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g
