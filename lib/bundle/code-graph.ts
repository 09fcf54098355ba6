/** Lists the top-level statements of a bundled module, with the names that each declares and uses. */
import type { AnyNode, ImportDeclaration, Pattern, Program, VariableDeclarator } from 'acorn'
import { parse } from 'acorn'

/** A top-level statement, or one declarator of it. */
export interface CodePiece {
  readonly node: AnyNode
  readonly names: readonly string[]
}

export interface CodeGraph {
  readonly text: string
  readonly program: Program
  /** Pieces by each top-level name. */
  readonly pieces: ReadonlyMap<string, CodePiece>
  /** Statements with effects when the module loads. */
  readonly effects: readonly CodePiece[]
  /** Local names of imports to `module#name`. */
  readonly imports: ReadonlyMap<string, string>
  /** Modules that are imported only for their effects. */
  readonly bareImports: readonly string[]
  /** Exported names to local ones. */
  readonly exports: ReadonlyMap<string, string>
}

/** An identifier in a piece that refers to a binding, not to a property. */
export interface Reference {
  readonly start: number
  readonly end: number
  readonly name: string
  /** Whether it is written as `{ a }`, which becomes `{ a: b }` when the value gets another name. */
  readonly shorthand: boolean
}

/** Parses the text of an ES module. */
export function codeGraph(text: string): CodeGraph {
  const program = parse(text, { ecmaVersion: 'latest', sourceType: 'module' })
  const pieces = new Map<string, CodePiece>()
  const effects: CodePiece[] = []
  const imports = new Map<string, string>()
  const bareImports: string[] = []
  const exports = new Map<string, string>()
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') addImport(statement, imports, bareImports)
    else if (statement.type === 'ExportNamedDeclaration') {
      for (const { local, exported } of statement.specifiers) {
        if (local.type === 'Identifier' && exported.type === 'Identifier') exports.set(exported.name, local.name)
      }
    } else {
      for (const piece of piecesOf(statement)) {
        if (piece.names.length === 0) effects.push(piece)
        for (const name of piece.names) pieces.set(name, piece)
      }
    }
  }
  return { text, program, pieces, effects, imports, bareImports, exports }
}

/** Returns the references in a node, in the order of the text. */
export function references(node: AnyNode): Reference[] {
  const found: Reference[] = []
  collect(node, found, false)
  return found.sort((a, b) => a.start - b.start)
}

/** Returns the names bound inside a node: parameters, variables, functions, classes, caught errors. */
export function boundNames(node: AnyNode): Set<string> {
  const names = new Set<string>()
  walk(node, inner => {
    for (const pattern of bindingsOf(inner)) for (const name of patternNames(pattern)) names.add(name)
  })
  return names
}

/** Visits a node and all nodes below it; they are left out where `visit` returns false. */
export function walk(node: AnyNode, visit: (node: AnyNode, path: readonly AnyNode[]) => unknown): void {
  const path: AnyNode[] = []
  const step = (inner: AnyNode): void => {
    if (visit(inner, path) === false) return
    path.push(inner)
    for (const child of children(inner)) step(child)
    path.pop()
  }
  step(node)
}

function addImport(statement: ImportDeclaration, imports: Map<string, string>, bareImports: string[]): void {
  const from = String(statement.source.value)
  if (statement.specifiers.length === 0) bareImports.push(from)
  for (const specifier of statement.specifiers) {
    imports.set(specifier.local.name, `${from}#${importedName(specifier)}`)
  }
}

function importedName(specifier: ImportDeclaration['specifiers'][number]): string {
  if (specifier.type === 'ImportDefaultSpecifier') return 'default'
  if (specifier.type === 'ImportNamespaceSpecifier') return '*'
  return specifier.imported.type === 'Identifier' ? specifier.imported.name : String(specifier.imported.value)
}

function piecesOf(statement: AnyNode): CodePiece[] {
  switch (statement.type) {
    case 'VariableDeclaration':
      return statement.declarations.map(node => ({ node, names: patternNames(node.id) }))
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return [{ node: statement, names: statement.id ? [statement.id.name] : [] }]
    case 'EmptyStatement':
      return []
    default:
      return [{ node: statement, names: namespaceName(statement) }]
  }
}

/** Returns the namespace object that a statement `__export(names, { … })` of esbuild fills, and to which it belongs. */
function namespaceName(statement: AnyNode): string[] {
  if (statement.type !== 'ExpressionStatement' || statement.expression.type !== 'CallExpression') return []
  const { callee, arguments: given } = statement.expression
  const [target] = given
  return callee.type === 'Identifier' && callee.name === '__export' && target?.type === 'Identifier'
    ? [target.name]
    : []
}

function collect(node: AnyNode, found: Reference[], shorthand: boolean): void {
  switch (node.type) {
    case 'Identifier':
      found.push({ start: node.start, end: node.end, name: node.name, shorthand })
      return
    case 'MemberExpression':
      collect(node.object, found, false)
      if (node.computed) collect(node.property, found, false)
      return
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      if (node.computed) collect(node.key, found, false)
      if (node.value) collect(node.value, found, node.type === 'Property' && node.shorthand)
      return
    case 'AssignmentPattern':
      collect(node.left, found, shorthand)
      collect(node.right, found, false)
      return
    case 'LabeledStatement':
      collect(node.body, found, false)
      return
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return
    default:
      for (const child of children(node)) collect(child, found, false)
  }
}

function bindingsOf(node: AnyNode): Pattern[] {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return node.id ? [node.id, ...node.params] : node.params
    case 'ArrowFunctionExpression':
      return node.params
    case 'ClassDeclaration':
    case 'ClassExpression':
      return node.id ? [node.id] : []
    case 'VariableDeclarator':
      return [(node as VariableDeclarator).id]
    case 'CatchClause':
      return node.param ? [node.param] : []
    default:
      return []
  }
}

function patternNames(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap(inner => patternNames(inner.type === 'Property' ? inner.value : inner.argument))
    case 'ArrayPattern':
      return pattern.elements.flatMap(inner => (inner ? patternNames(inner) : []))
    case 'RestElement':
      return patternNames(pattern.argument)
    case 'AssignmentPattern':
      return patternNames(pattern.left)
    default:
      return []
  }
}

function children(node: AnyNode): AnyNode[] {
  return Object.values(node).flatMap(value =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  )
}

function isNode(value: unknown): value is AnyNode {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  )
}
