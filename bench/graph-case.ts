/** The case that walks graphs of tiny tasks: what a node costs besides its rows. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Case, seconds, type Target } from './case.ts'
import { outFolder, product } from './commands.ts'
import { dataFolder } from './inputs.ts'

const nodeCount = 101
const planned = 'plan of 300 nodes'
const first = '101 nodes in eleven layers'
const second = '101 complete nodes'

/** A folder where everything is complete; outside of the folder that is emptied before each measurement. */
const completeFolder = join(dataFolder, 'graph-complete')

const perNode: Target = {
  what: `seconds of ${first}, a node`,
  unit: 's',
  bound: 'at most',
  limit: 0.15,
  of: [first],
  value: sides => {
    const median = sides[first]?.seconds.median
    return median === undefined ? undefined : median / nodeCount
  },
}

export const graphCase: Case = {
  name: 'graph',
  title: 'graphs of tiny tasks: planned, run, and run again',
  inputs: [],
  setUp: writeGraph,
  sides: [
    {
      label: planned,
      command: () => walk('plan', 'daily', outFolder, '--param', 'day=2001-01-01..2001-10-27'),
    },
    { label: first, command: () => walk('run', 'all', outFolder, '--quiet') },
    { label: second, command: () => walk('run', 'all', completeFolder, '--quiet') },
  ],
  targets: [
    seconds(planned, `seconds of ${planned}`, ['at most', 2]),
    perNode,
    seconds(second, `seconds of ${second}`, ['at most', 2]),
  ],
}

function walk(command: 'run' | 'plan', task: string, output: string, ...flags: string[]) {
  const pipeline = fileURLToPath(new URL('pipelines/graph.ts', import.meta.url))
  const roots = ['--input', dataFolder, '--output', output, '--workers', '2']
  return product(command, pipeline, task, ...roots, ...flags)
}

function writeGraph(): void {
  mkdirSync(join(dataFolder, 'graph'), { recursive: true })
  writeFileSync(join(dataFolder, 'graph/tiny.csv'), 'x\n1\n')
  rmSync(completeFolder, { recursive: true, force: true })
  const [program, ...args] = walk('run', 'all', completeFolder, '--quiet')
  execFileSync(program, args)
}
