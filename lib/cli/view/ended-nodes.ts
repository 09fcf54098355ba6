/** Prints how the nodes of the last command ended. */
import type { EndedNode } from '../../local/state.ts'
import { print, visible } from '../output.ts'
import { formatCount } from './amounts.ts'
import { failureText } from './failure.ts'
import { countLine, nodesShownMax, statusTexts } from './summary.ts'
import { printTable } from './table.ts'

const titles = ['task', 'status', 'rows', 'rejects', 'seconds', 'run']
const numbers = ['rows', 'rejects', 'seconds']

/** Prints the nodes, why some failed or were not run, and the commands that say more. With many nodes, those that are complete are counted alone. */
export function printNodes(nodes: readonly EndedNode[], flags: string): void {
  const lost = nodes.filter(({ state }) => state === 'failed' || state === 'notRun')
  printTable(titles, (nodes.length > nodesShownMax ? lost : nodes).map(nodeRow), { numbers, otherwise: '' })
  for (const node of lost) print(visible(whyText(node, flags)))
  print(countLine(nodes.map(({ state }) => ({ status: state }))))
  const rejected = nodes.reduce((sum, { state, rowsRejected }) => sum + (state === 'skipped' ? 0 : rowsRejected), 0)
  if (rejected > 0)
    print(`${rejected === 1 ? '1 rejected row' : `${formatCount(rejected)} rejected rows`}; fanmill rejects${flags}`)
}

const nodeRow = ({ node, state, rowsWritten, rowsRejected, seconds = 0, runId }: EndedNode): readonly unknown[] => [
  ...[node, statusTexts[state], formatCount(rowsWritten), formatCount(rowsRejected), seconds.toFixed(2), runId],
]

function whyText({ node, state, error, runId, blockedBy }: EndedNode, flags: string): string {
  const blocked = blockedBy === undefined ? 'the command ended before' : `${blockedBy} failed`
  if (state === 'notRun') return `${node}: not run, because ${blocked}`
  const status = runId === undefined ? '' : `; fanmill status ${runId}${flags}`
  return `${node}: failed: ${error ? failureText(error) : ''}${status}`
}
