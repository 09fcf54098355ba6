/** `fanmill graph`: draws what a run would walk, with the state of each node. */
import { type Command, Option } from 'commander'
import { drawMermaid } from '../../graph/draw-mermaid.ts'
import { drawSvg } from '../../graph/draw-svg.ts'
import { drawTree } from '../../graph/draw-tree.ts'
import type { DrawnNode } from '../../graph/drawn-node.ts'
import type { GraphSummary } from '../../local/plans/show-graph.ts'
import { reasonsText } from '../../model/run/reason.ts'
import { withInterrupt } from '../interrupt.ts'
import {
  addCommand,
  addParamOptions,
  addSettings,
  type CommonOptions,
  type ParamOptions,
  readParams,
  someOf,
} from '../options.ts'
import { print, printJson, visible } from '../output.ts'
import { readRunSettings } from '../settings.ts'
import { paintStatus } from '../view/colours.ts'

const drawings = {
  tree: printTree,
  mermaid: (_: GraphSummary, nodes: readonly DrawnNode[]) => print(drawMermaid(nodes)),
  svg: (_: GraphSummary, nodes: readonly DrawnNode[]) => print(drawSvg(nodes)),
  json: (graph: GraphSummary) => printJson(graph),
} satisfies Record<string, (graph: GraphSummary, nodes: readonly DrawnNode[]) => void>

export function addGraphCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'graph <pipeline> [tasks...]',
    description: 'draw the tasks that would run and what they require, with the state of each',
    examples: [
      'graph pipelines/flights.ts --param month=2001-01..2001-12',
      'graph pipelines/flights.ts report --param year=2001 --format svg > graph.svg',
    ],
  })
  addSettings(addParamOptions(command), 'input', 'output', 'profile', 'region')
    .addOption(
      new Option('--format <format>', 'how to draw (default: tree)').choices(Object.keys(drawings)).default('tree', ''),
    )
    .action(graphAction)
}

interface GraphFlags extends CommonOptions, ParamOptions {
  readonly format: keyof typeof drawings
}

async function graphAction(pipeline: string, tasks: readonly string[], flags: GraphFlags): Promise<void> {
  const { input, output, profile, region } = readRunSettings({ ...flags })
  const given = { input, output, profile, region, task: someOf(tasks), params: readParams(flags) }
  const { showGraph } = await import('../../local/plans/show-graph.ts')
  const graph = await withInterrupt(signal => showGraph(pipeline, { ...given, signal }))
  const nodes = graph.nodes.map(({ node, requires, state, reasons }) => {
    return { key: node, requires, state, why: reasonsText(reasons) }
  })
  drawings[flags.json ? 'json' : flags.format](graph, nodes)
}

function printTree({ requested, nodes: all }: GraphSummary, nodes: readonly DrawnNode[]): void {
  const shown = nodes.map(({ key, requires, state, why }) => {
    return { key: visible(key), requires: requires.map(visible), state, why: visible(why) }
  })
  for (const line of drawTree(shown, requested.map(visible), state => paintStatus(state))) print(line)
  const complete = all.filter(({ state }) => state === 'complete').length
  print(`${all.length} nodes, ${complete} complete`)
}
