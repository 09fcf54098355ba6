/** Draws a graph as SVG: a column for each layer, requirements on the left. */
import { type DrawnNode, stateColours } from './drawn-node.ts'
import { depthsOf } from './output-order.ts'

interface PlacedNode {
  readonly node: DrawnNode
  readonly x: number
  readonly y: number
  readonly width: number
}

const margin = 20
const boxHeight = 44
const rowHeight = 60
const columnGap = 70
/** Width of a character of the font, rounded up. */
const characterWidth = 7.3

/** Returns a whole SVG document. */
export function drawSvg(nodes: readonly DrawnNode[]): string {
  const placed = placeNodes(nodes)
  const all = [...placed.values()]
  const width = Math.max(0, ...all.map(({ x, width }) => x + width)) + margin
  const height = Math.max(0, ...all.map(({ y }) => y + boxHeight)) + margin
  const arrows = nodes.flatMap(({ key, requires }) => requires.map(one => drawArrow(placed.get(one), placed.get(key))))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" font-family="ui-monospace, monospace" font-size="12">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#7a8699"/></marker></defs>',
    ...arrows,
    ...all.map(drawBox),
    '</svg>',
  ].join('\n')
}

/** Places each node in the column of its layer, near the middle of what it requires, so that few arrows cross. */
function placeNodes(nodes: readonly DrawnNode[]): ReadonlyMap<string, PlacedNode> {
  const depths = depthsOf(nodes)
  const layers = Map.groupBy(nodes, ({ key }) => depths.get(key) ?? 0)
  const rowsMax = Math.max(0, ...Array.from(layers.values(), layer => layer.length))
  const placed = new Map<string, PlacedNode>()
  let x = margin
  for (const [, layer] of [...layers].sort(([a], [b]) => a - b)) {
    const width = Math.max(...layer.map(widthOf))
    const top = margin + ((rowsMax - layer.length) * rowHeight) / 2
    const middles = new Map(layer.map(node => [node.key, middleOf(node, placed)]))
    const ordered = layer.toSorted((a, b) => (middles.get(a.key) ?? 0) - (middles.get(b.key) ?? 0))
    for (const [row, node] of ordered.entries()) placed.set(node.key, { node, x, y: top + row * rowHeight, width })
    x += width + columnGap
  }
  return placed
}

const widthOf = ({ key }: DrawnNode): number => Math.max(80, key.length * characterWidth + 20)

function middleOf({ requires }: DrawnNode, placed: ReadonlyMap<string, PlacedNode>): number {
  const rows = requires.flatMap(key => placed.get(key)?.y ?? [])
  return rows.length === 0 ? 0 : rows.reduce((sum, y) => sum + y, 0) / rows.length
}

function drawBox({ node: { key, state, why }, x, y, width }: PlacedNode): string {
  const [fill, border] = stateColours[state]
  const title = escaped(why === '' ? `${key}: ${state}` : `${key}: ${state}, ${why}`)
  return `<g><title>${title}</title><rect x="${x}" y="${y}" width="${width}" height="${boxHeight}" rx="6" fill="${fill}" stroke="${border}"/><text x="${x + 10}" y="${y + 18}" fill="#1b1f24">${escaped(key)}</text><text x="${x + 10}" y="${y + 34}" fill="${border}">${state}</text></g>`
}

function drawArrow(from: PlacedNode | undefined, to: PlacedNode | undefined): string {
  if (!from || !to) return ''
  const [x1, y1, x2, y2] = [from.x + from.width, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2]
  const bend = (x2 - x1) / 2
  return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}" fill="none" stroke="#7a8699" marker-end="url(#arrow)"/>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string =>
  [...text].map(character => entities[character] ?? (character < ' ' ? '\ufffd' : character)).join('')
