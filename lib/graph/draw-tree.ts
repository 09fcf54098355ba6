/** Draws a graph as a tree of text lines: each requested node, and below it what it requires. */
import type { DrawnNode } from './drawn-node.ts'

/** Returns a line for each node. One that several nodes require is drawn with its own requirements only once. */
export function drawTree(
  nodes: readonly DrawnNode[],
  requested: readonly string[],
  paintState: (state: string) => string = state => state,
): readonly string[] {
  const byKey = new Map(nodes.map(node => [node.key, node]))
  const required = new Set(nodes.flatMap(({ requires }) => requires))
  const drawn = new Set<string>()
  const lines: string[] = []
  // Deliberately without recursion, because a chain of requirements may be very long.
  const stack = requested
    .filter(key => !required.has(key))
    .map((key): TreeLine => ({ key, before: '', branch: '', below: '' }))
    .reverse()
  for (let line = stack.pop(); line; line = stack.pop()) {
    const node = byKey.get(line.key)
    if (!node) continue
    const isRepeated = drawn.has(node.key) && node.requires.length > 0
    drawn.add(node.key)
    lines.push(`${line.before}${line.branch}${textOf(node, isRepeated, paintState)}`)
    if (!isRepeated) stack.push(...linesBelow(node, line).reverse())
  }
  return lines
}

interface TreeLine {
  readonly key: string
  /** Text before the branch of this line. */
  readonly before: string
  readonly branch: string
  /** Text before lines below this one, in the column of its branch. */
  readonly below: string
}

function linesBelow({ requires }: DrawnNode, { before, below }: TreeLine): TreeLine[] {
  return requires.map((key, index) => {
    const isLast = index === requires.length - 1
    return { key, before: before + below, branch: isLast ? '└─ ' : '├─ ', below: isLast ? '   ' : '│  ' }
  })
}

function textOf({ key, state, why }: DrawnNode, isRepeated: boolean, paintState: (state: string) => string): string {
  const reason = why === '' ? '' : ` (${why})`
  return `${key}  ${paintState(state)}${reason}${isRepeated ? ', requirements as above' : ''}`
}
