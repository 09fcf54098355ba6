/** Draws a graph as a Mermaid flowchart, which GitHub and many wikis show. */
import { type DrawnNode, stateColours } from './drawn-node.ts'

/** Returns the text of a flowchart: requirements on the left, arrows to what requires them. */
export function drawMermaid(nodes: readonly DrawnNode[]): string {
  const ids = new Map(nodes.map(({ key }, index) => [key, `n${index}`]))
  const boxes = nodes.map(({ key, state }) => `  ${ids.get(key)}["${escaped(key)}"]:::${state}`)
  const arrows = nodes.flatMap(({ key, requires }) => requires.map(one => `  ${ids.get(one)} --> ${ids.get(key)}`))
  const classes = Object.entries(stateColours)
    .filter(([state]) => nodes.some(node => node.state === state))
    .map(([state, [fill, border]]) => `  classDef ${state} fill:${fill},stroke:${border},color:#1b1f24`)
  return ['flowchart LR', ...boxes, ...arrows, ...classes].join('\n')
}

/** Writes characters with a meaning in Mermaid as entities. */
const escaped = (text: string): string =>
  text.replaceAll(/[^\w(). =,:+/-]/g, character => `#${character.codePointAt(0)};`)
