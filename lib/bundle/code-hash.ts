/** Computes the code hash of a task: the hash of the code in the bundled pipeline on which its rows depend, and of nothing else. */
import { createHash } from 'node:crypto'
import type { AnyNode, CallExpression, ObjectExpression, Property } from 'acorn'
import { boundNames, type CodeGraph, codeGraph, references, walk } from './code-graph.ts'

export interface TaskCode {
  readonly task: string
  /** Name under which the bundle exports the task; without it the task is found by `name: '<task>'`. */
  readonly exportedAs?: string
  /** Position in the pipeline's `tasks`, used where that list is a literal and nothing else finds the task. */
  readonly position?: { readonly index: number; readonly count: number }
  /** The task's own `version:`, which replaces its code. */
  readonly version?: string
  /** Versions that belong to the hash, for instance `fanmill@0.1.0`. */
  readonly versions?: readonly string[]
}

/**
 * Returns a function that hashes the statements which a task reaches in `text`, a bundle without comments whose packages are
 * external. Names, formatting and order of declarations do not count; statements with effects on load always do. A task that
 * cannot be found by itself (made in a loop, for instance) has the hash of the whole bundle. The text is parsed when it is first needed.
 */
export function codeHasher(text: string): (task: TaskCode) => string {
  let parsed: CodeGraph | undefined
  return task => {
    if (task.version !== undefined) return digest(['version', task.version])
    parsed ??= codeGraph(text)
    return hashIn(parsed, task)
  }
}

function hashIn(graph: CodeGraph, { task, exportedAs, position, versions = [] }: TaskCode): string {
  const root = exportedNode(graph, exportedAs) ?? namedNode(graph, task) ?? listedNode(graph, position)
  return digest(root ? ['reached', ...versions, ...reachedCode(graph, root)] : ['whole', ...versions, graph.text])
}

function exportedNode(graph: CodeGraph, exportedAs: string | undefined): AnyNode | undefined {
  const local = exportedAs === undefined ? undefined : graph.exports.get(exportedAs)
  return local === undefined ? undefined : graph.pieces.get(local)?.node
}

/** Finds the statement that makes the task of this name, or only the call where it stands inside `tasks: […]`. */
function namedNode(graph: CodeGraph, task: string): AnyNode | undefined {
  const made: { readonly node: AnyNode; readonly byTask: boolean }[] = []
  for (const { node: top } of new Set([...graph.pieces.values(), ...graph.effects])) {
    walk(top, (node, path) => {
      if (/Function/.test(node.type)) return false
      if (node.type !== 'CallExpression' || !node.arguments.some(argument => isNamed(argument, task))) return true
      made.push({ node: wholeExpression(top, node, path), byTask: isTaskCall(graph, node) })
      return true
    })
  }
  const byTask = made.filter(candidate => candidate.byTask)
  const [only, ...others] = byTask.length > 0 ? byTask : made
  return others.length === 0 ? only?.node : undefined
}

/** Finds the task by its position in `tasks: […]` of the default export. */
function listedNode(graph: CodeGraph, position: TaskCode['position']): AnyNode | undefined {
  const made = exportedNode(graph, 'default')
  const call = made?.type === 'VariableDeclarator' ? made.init : made
  if (call?.type !== 'CallExpression' || position === undefined) return undefined
  const [definition] = call.arguments
  const list = definition?.type === 'ObjectExpression' ? property(definition, 'tasks')?.value : undefined
  if (list?.type !== 'ArrayExpression' || list.elements.length !== position.count) return undefined
  const isSpread = list.elements.some(element => element?.type === 'SpreadElement')
  return isSpread ? undefined : (list.elements[position.index] ?? undefined)
}

function isNamed(argument: AnyNode, task: string): boolean {
  if (argument.type !== 'ObjectExpression') return false
  const name = property(argument, 'name')
  return name?.value.type === 'Literal' && name.value.value === task && !property(argument, 'tasks')
}

const taskBuilders: ReadonlySet<string> = new Set(['task', 'programTask', 'stateTask'].map(name => `fanmill#${name}`))

function isTaskCall(graph: CodeGraph, call: CallExpression): boolean {
  return call.callee.type === 'Identifier' && taskBuilders.has(graph.imports.get(call.callee.name) ?? '')
}

/** Returns a call with the calls chained to it where it is an element of a list `tasks`, and otherwise its whole statement. */
function wholeExpression(top: AnyNode, call: AnyNode, path: readonly AnyNode[]): AnyNode {
  let node = call
  let depth = path.length - 1
  for (let parent = path[depth]; parent; parent = path[--depth]) {
    const chained =
      (parent.type === 'MemberExpression' && parent.object === node) ||
      (parent.type === 'CallExpression' && parent.callee === node) ||
      (parent.type === 'TaggedTemplateExpression' && parent.tag === node)
    if (!chained) break
    node = parent
  }
  const list = path[depth]
  const holder = path[depth - 1]
  return list?.type === 'ArrayExpression' && holder?.type === 'Property' && keyName(holder as Property) === 'tasks'
    ? node
    : top
}

/** Returns the code of the root and all that it uses, then of the statements with effects and all that they use. */
function reachedCode(graph: CodeGraph, root: AnyNode): string[] {
  const numbers = new Map<string, number>()
  const queue: AnyNode[] = []
  const seen = new Set<AnyNode>()
  const enqueue = (node: AnyNode): void => {
    if (seen.has(node)) return
    seen.add(node)
    queue.push(node)
  }
  const topLevel = (name: string): string | undefined => {
    const piece = graph.pieces.get(name)
    if (!piece) return graph.imports.get(name)
    enqueue(piece.node)
    if (!numbers.has(name)) numbers.set(name, numbers.size)
    return `$${numbers.get(name)}`
  }
  const emitted: string[] = []
  const drain = (): void => {
    for (let node = queue.shift(); node; node = queue.shift()) emitted.push(canonicalText(graph.text, node, topLevel))
  }
  enqueue(root)
  drain()
  for (const { node } of graph.effects) {
    enqueue(node)
    drain()
  }
  return [...emitted, ...graph.bareImports.filter(name => name !== 'fanmill').sort()]
}

/** Returns the text of a node with its names replaced, because esbuild renames what another module declares as well. */
function canonicalText(text: string, node: AnyNode, topLevel: (name: string) => string | undefined): string {
  const locals = boundNames(node)
  const numbers = new Map<string, number>()
  const local = (name: string): string => {
    if (!locals.has(name)) return name
    if (!numbers.has(name)) numbers.set(name, numbers.size)
    return `%${numbers.get(name)}`
  }
  let canonical = ''
  let end = node.start
  for (const { start, end: next, name, shorthand } of references(node)) {
    const key = shorthand ? `${text.slice(start, next)}:` : ''
    canonical += `${text.slice(end, start)}${key}${topLevel(name) ?? local(name)}`
    end = next
  }
  return canonical + text.slice(end, node.end)
}

function property(object: ObjectExpression, name: string): Property | undefined {
  return object.properties.find((one): one is Property => one.type === 'Property' && keyName(one) === name)
}

function keyName({ key, computed }: Property): string | undefined {
  if (computed) return undefined
  if (key.type === 'Identifier') return key.name
  return key.type === 'Literal' ? String(key.value) : undefined
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
