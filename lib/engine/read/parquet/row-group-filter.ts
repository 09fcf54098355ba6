/** Finds the row groups that may have rows for a condition, by the least and greatest values in their statistics. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SqlStep } from '../../../define/definition.ts'
import { runBound } from '../../../duckdb/bound-query.ts'
import { engineName } from '../../../errors/engine-name.ts'
import type { SchemaColumn } from '../../../model/outcome/manifest.ts'
import type { ParquetFooter } from '../../../parquet/footer.ts'
import { boundsByRowGroup, type RowGroupBounds } from '../../../parquet/row-group-bounds.ts'
import { boundQuery, type Conjunct, conjunctsOf, expressionText, rowsThatMeet } from '../../../sql/predicate.ts'
import { list, type Node, nodesIn } from '../../../sql/syntax.ts'

/** Returns for each row group of a file whether it may have rows that are needed. */
export type RowGroupFilter = (footer: ParquetFooter) => Promise<readonly boolean[]>

interface Test {
  readonly column: SchemaColumn
  /** SQL over the bounds `lo` and `hi` of the column and its counts; null or true where rows may meet the condition. */
  readonly sql: (lo: string, hi: string) => string
  readonly values: Conjunct['values']
}

/**
 * Prepares the comparisons of a column with a value that all rows must meet; undefined where there is none. The engine compares the
 * bounds as it compares the values of rows. @throws SQL_INVALID
 */
export async function rowGroupFilter(
  connection: DuckDBConnection,
  conditions: readonly Pick<SqlStep, 'texts' | 'values'>[],
  schema: readonly SchemaColumn[],
): Promise<RowGroupFilter | undefined> {
  const tests: Test[] = []
  for (const conjunct of await conjunctsOf(connection, conditions)) {
    const test = await testOf(connection, conjunct, schema)
    if (test) tests.push(test)
  }
  if (tests.length === 0) return undefined
  const names = tests.map(({ column }) => column.name)
  return footer => neededGroups(connection, tests, boundsByRowGroup(footer, names))
}

async function neededGroups(
  connection: DuckDBConnection,
  tests: readonly Test[],
  groups: readonly RowGroupBounds[],
): Promise<readonly boolean[]> {
  if (groups.length === 0) return []
  const rows = groups.map(group =>
    tests.flatMap(({ column }) => {
      const { min = null, max = null } = group.get(column.name) ?? {}
      return [min, max]
    }),
  )
  const columns = tests.flatMap(({ column: { type } }, at) => [
    `TRY_CAST(t${2 * at} AS ${type}) AS lo${at}`,
    `TRY_CAST(t${2 * at + 1} AS ${type}) AS hi${at}`,
  ])
  const condition = tests.flatMap(({ sql, values }, at) => [
    at === 0 ? 'coalesce(' : ' AND coalesce(',
    { text: sql(`lo${at}`, `hi${at}`), values },
    ', true)',
  ])
  const found = await rowsThatMeet(connection, { rows, columns }, condition)
  return groups.map((_, at) => found.has(at))
}

/** Comparisons, each with the one that it is when its sides are exchanged. */
const exchanged: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: 'COMPARE_EQUAL',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
}

const comparisons: Readonly<Record<string, (value: string) => Test['sql']>> = {
  COMPARE_EQUAL: value => (lo, hi) => `${lo} <= ${value} AND ${hi} >= ${value}`,
  COMPARE_LESSTHAN: value => lo => `${lo} < ${value}`,
  COMPARE_GREATERTHAN: value => (_lo, hi) => `${hi} > ${value}`,
  COMPARE_LESSTHANOREQUALTO: value => lo => `${lo} <= ${value}`,
  COMPARE_GREATERTHANOREQUALTO: value => (_lo, hi) => `${hi} >= ${value}`,
}

async function testOf(
  connection: DuckDBConnection,
  { node, columns, values }: Conjunct,
  schema: readonly SchemaColumn[],
): Promise<Test | undefined> {
  if (columns?.length !== 1) return undefined
  const column = schema.find(({ name }) => engineName(name) === columns[0])
  // Bounds are in the order of bytes.
  if (!column || hasCollation(node)) return undefined
  const parts = partsOf(node)
  if (!parts) return undefined
  const texts = await Promise.all(parts.values.map(value => expressionText(connection, value)))
  for (const [at, text] of texts.entries()) {
    const isText = isPlainText(parts.values[at] as Node, values)
    if (!(await isComparable(connection, column, { text, values, isText }))) return undefined
  }
  return { column, values, sql: parts.test(texts.map(text => `(${text})`)) }
}

interface Comparison {
  readonly values: readonly Node[]
  readonly test: (texts: readonly string[]) => Test['sql']
}

/** Takes a comparison of a plain column with values apart; undefined for anything else. */
function partsOf(node: Node): Comparison | undefined {
  const type = String(node.type)
  const [left, right] = [node.left as Node, node.right as Node]
  if (comparisons[type]) {
    if (isColumn(left) && isValue(right)) return oneValue(right, type)
    return isColumn(right) && isValue(left) ? oneValue(left, exchanged[type] as string) : undefined
  }
  const [first, ...others] = list(node.children)
  if (type === 'COMPARE_IN' && first && isColumn(first) && others.length > 0 && others.every(isValue))
    return {
      values: others,
      test: texts => (lo, hi) => texts.map(text => `(${lo} <= ${text} AND ${hi} >= ${text})`).join(' OR '),
    }
  const { input, lower, upper } = node as { readonly [key: string]: Node }
  if (type !== 'COMPARE_BETWEEN' || !input || !lower || !upper) return undefined
  if (!isColumn(input) || !isValue(lower) || !isValue(upper)) return undefined
  return {
    values: [lower, upper],
    test:
      ([low, high]) =>
      (lo, hi) =>
        `${hi} >= ${low} AND ${lo} <= ${high}`,
  }
}

const oneValue = (value: Node, type: string): Comparison => ({
  values: [value],
  test: ([text = 'NULL']) => (comparisons[type] as (value: string) => Test['sql'])(text),
})

const hasCollation = (tree: Node): boolean => nodesIn(tree).some(node => node.class === 'COLLATE')

const isColumn = ({ class: kind }: Node): boolean => kind === 'COLUMN_REF'

const isValue = (tree: Node): boolean => !nodesIn(tree).some(isColumn)

/** A text that stands in the condition, or is bound: the engine casts it to the type of the column. */
function isPlainText({ class: kind, identifier, value }: Node, values: Conjunct['values']): boolean {
  if (kind === 'PARAMETER') return typeof values[Number(identifier) - 1] === 'string'
  const type = ((value as Node | undefined)?.type as Node | undefined)?.id
  return kind === 'CONSTANT' && type === 'VARCHAR'
}

const families = [
  /^(U?(TINY|SMALL|BIG)INT|U?INTEGER|U?HUGEINT|DECIMAL.*|FLOAT|DOUBLE)$/,
  /^(DATE|TIMESTAMP.*)$/,
  /^VARCHAR$/,
]

/** Whether column and value compare in the order of the column: of one family of types, or a text that becomes a value of it. */
async function isComparable(
  connection: DuckDBConnection,
  { type }: SchemaColumn,
  { text, values, isText }: { readonly text: string; readonly values: Conjunct['values']; readonly isText: boolean },
): Promise<boolean> {
  const family = families.find(each => each.test(type))
  if (!family) return false
  if (isText) return true
  try {
    const result = await runBound(connection, boundQuery(['SELECT typeof(', { text, values }, ')']))
    return family.test(String((await result.getRows())[0]?.[0]))
  } catch {
    // A condition that does not bind alone fails in the step too, with a message that names it.
    return false
  }
}
