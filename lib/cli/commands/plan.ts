/** `fanmill plan`: prints what a run would do, without doing it. */

import type { Command } from 'commander'
import type { RunOptions } from '../../local/options/run-options.ts'
import type { TaskPlan } from '../../local/plans/plan-run.ts'
import { reasonsText } from '../../model/run/reason.ts'
import { withInterrupt } from '../interrupt.ts'
import { addCommand, addRunOptions, type CommonOptions, type ParamOptions, readParams, someOf } from '../options.ts'
import { print, printJson, printToStderr, visible } from '../output.ts'
import { readRunSettings } from '../settings.ts'
import { sizeThreadpool } from '../threadpool.ts'
import { formatBytes, formatCount } from '../view/amounts.ts'
import { printEstimates } from '../view/aws-estimates.ts'
import { paintLevel } from '../view/colours.ts'
import { printTable } from '../view/table.ts'

export function addPlanCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'plan <pipeline> [tasks...]',
    description:
      'print what would run: members, bytes, slices, skew, parts, tables, and about what it would cost on AWS',
    examples: [
      'plan pipelines/flights.ts --param month=2001-01',
      'plan pipelines/flights.ts flights --workers 16 --json',
    ],
  })
  addRunOptions(command).action(planAction)
}

type PlanFlags = CommonOptions & ParamOptions & Pick<RunOptions, 'sample'>

async function planAction(pipeline: string, tasks: readonly string[], flags: PlanFlags): Promise<void> {
  const settings = readRunSettings({ ...flags })
  sizeThreadpool(settings.workers, settings.reads)
  const given = { ...settings, task: someOf(tasks), params: readParams(flags), sample: flags.sample }
  const { planRun } = await import('../../local/plans/plan-run.ts')
  const plan = await withInterrupt(signal => planRun(pipeline, { ...given, signal }))
  if (flags.json) printJson(plan)
  else await printPlan(plan.tasks)
}

/** With more nodes, those that are complete are counted, and not listed. */
const shownMax = 20

const whyLine = ({ node, status, reasons }: TaskPlan): string =>
  status === 'complete' ? `${node}: complete already` : `${node}: runs (${reasonsText(reasons)})`

const numbers = ['inputs', 'members', 'bytes in', 'bytes', 'slices', 'batches', 'skew', 'parts']

async function printPlan(plans: readonly TaskPlan[]): Promise<void> {
  const due = plans.filter(({ status }) => status === 'due')
  const shown = plans.length > shownMax ? due : plans
  printTable(['task', ...numbers], shown.map(planRow), { numbers, otherwise: '' })
  print('')
  for (const plan of shown) print(visible(whyLine(plan)))
  if (plans.length > 1) print(`${plans.length} nodes: ${due.length} due, ${plans.length - due.length} complete`)
  const tables = due.flatMap(plan =>
    plan.tables.map(table => [plan.node, table.name, table.path, formatBytes(table.bytes)]),
  )
  if (tables.length > 0) {
    print('')
    printTable(['task', 'table', 'path', 'bytes'], tables, { numbers: ['bytes'] })
  }
  const exchanges = due.flatMap(({ node, exchanges = [] }) =>
    exchanges.map(({ by, buckets }, index) => [node, index + 2, by.join(', '), buckets ?? '']),
  )
  if (exchanges.length > 0) {
    print('')
    printTable(['task', 'stage', 'rows by', 'buckets'], exchanges, { numbers: ['stage', 'buckets'] })
  }
  printEstimates(due)
  for (const { node, warnings } of plans) {
    for (const warning of warnings) printToStderr(`${paintLevel('warn')}: ${visible(`${node}: ${warning}`)}`)
  }
}

function planRow(plan: TaskPlan): readonly unknown[] {
  const { node, inputs, members, bytesIn, bytes, slices, batches, skew, expectedParts } = plan
  const counts = [slices, batches].map(formatCount)
  const read = [formatCount(inputs), formatCount(members), formatBytes(bytesIn), formatBytes(bytes)]
  return [node, ...read, ...counts, skew.toFixed(2), formatCount(expectedParts)]
}
