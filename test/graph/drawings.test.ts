import { expect, it } from 'vitest'
import { drawMermaid } from '../../lib/graph/draw-mermaid.ts'
import { drawSvg } from '../../lib/graph/draw-svg.ts'
import { drawTree } from '../../lib/graph/draw-tree.ts'
import type { DrawnNode } from '../../lib/graph/drawn-node.ts'

const nodes: readonly DrawnNode[] = [
  { key: 'flights(month=2001-01)', requires: [], state: 'complete', why: '' },
  { key: 'a', requires: ['flights(month=2001-01)'], state: 'due', why: 'first run' },
  { key: 'b', requires: ['a'], state: 'failed', why: 'code changed: where' },
  { key: 'top(name="<&>")', requires: ['a', 'b'], state: 'due', why: 'upstream runs: a' },
]

it('draws a tree, with the requirements of a shared node once', () => {
  expect(drawTree(nodes, ['a', 'top(name="<&>")'])).toEqual([
    'top(name="<&>")  due (upstream runs: a)',
    '├─ a  due (first run)',
    '│  └─ flights(month=2001-01)  complete',
    '└─ b  failed (code changed: where)',
    '   └─ a  due (first run), requirements as above',
  ])
})

it('draws a flowchart of Mermaid, with arrows to what requires a node, and characters with a meaning as entities', () => {
  const lines = drawMermaid(nodes).split('\n')
  expect(lines).toEqual([
    'flowchart LR',
    '  n0["flights(month=2001-01)"]:::complete',
    '  n1["a"]:::due',
    '  n2["b"]:::failed',
    '  n3["top(name=#34;#60;#38;#62;#34;)"]:::due',
    ...['n0 --> n1', 'n1 --> n2', 'n1 --> n3', 'n2 --> n3'].map(arrow => `  ${arrow}`),
    ...['complete', 'due', 'failed'].map(state => expect.stringMatching(`^  classDef ${state} fill:#`)),
  ])
})

it('draws SVG with a column for each layer, where boxes do not overlap', () => {
  const svg = drawSvg(nodes)
  const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)].map(([, x, y, width]) => ({
    ...{ x: Number(x), y: Number(y), width: Number(width) },
  }))
  expect(boxes.length).toBe(4)
  expect(new Set(boxes.map(({ x }) => x)).size).toBe(4)
  expect(svg.match(/marker-end/g)?.length).toBe(4)
  expect(svg).toContain('top(name=&quot;&lt;&amp;&gt;&quot;)')
  const wide = drawSvg(Array.from({ length: 50 }, (_, at) => ({ key: `n${at}`, requires: [], state: 'due', why: '' })))
  const rows = [...wide.matchAll(/<rect x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y))
  expect(Math.min(...rows.slice(1).map((y, at) => y - rows[at]!))).toBeGreaterThan(44)
})

it('draws a chain of thousands of nodes', () => {
  const chain = Array.from({ length: 5_000 }, (_, at): DrawnNode => {
    return { key: `n${at}`, requires: at === 0 ? [] : [`n${at - 1}`], state: 'due', why: '' }
  })
  expect(drawTree(chain, ['n4999']).length).toBe(5_000)
  expect(drawSvg(chain).match(/<rect/g)?.length).toBe(5_000)
})
