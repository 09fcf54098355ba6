/** `fanmill plan`: prints what a run would do, without doing it. */

import type { Command } from 'commander'
import type { TaskPlan } from '../local/plan-run.ts'
import { formatBytes, formatCount } from './amounts.ts'
import { printEstimates } from './aws-estimates.ts'
import { paintLevel } from './colours.ts'
import { withInterrupt } from './interrupt.ts'
import { addCommand, addRunOptions, type CommonOptions, type ParamOptions, readParams } from './options.ts'
import { print, printJson, printToStderr, visible } from './output.ts'
import { readRunSettings } from './settings.ts'
import { printTable } from './table.ts'
import { sizeThreadpool } from './threadpool.ts'

export function addPlanCommand(program: Command): void {
  const command = addCommand(program, {
    usage: 'plan <pipeline> [task]',
    description:
      'print what would run: members, bytes, slices, skew, parts, tables, and about what it would cost on AWS',
    examples: [
      'plan pipelines/flights.ts --param month=2001-01',
      'plan pipelines/flights.ts flights --workers 16 --json',
    ],
  })
  addRunOptions(command).action(planAction)
}

interface PlanFlags extends CommonOptions, ParamOptions {
  readonly sample?: number | `${number}%`
}

async function planAction(pipeline: string, task: string | undefined, flags: PlanFlags): Promise<void> {
  const settings = readRunSettings({ ...flags })
  sizeThreadpool(settings.workers, settings.reads)
  const given = { ...settings, task, params: readParams(flags), sample: flags.sample }
  const { planRun } = await import('../local/plan-run.ts')
  const plan = await withInterrupt(signal => planRun(pipeline, { ...given, signal }))
  if (flags.json) printJson(plan)
  else await printPlan(plan.tasks)
}

const numbers = ['inputs', 'members', 'bytes in', 'bytes', 'slices', 'batches', 'skew', 'parts']

async function printPlan(plans: readonly TaskPlan[]): Promise<void> {
  await printTable(['task', ...numbers], plans.map(planRow), { numbers })
  const tables = plans.flatMap(plan =>
    plan.tables.map(table => [plan.task, table.name, table.path, formatBytes(table.bytes)]),
  )
  if (tables.length > 0) {
    print('')
    await printTable(['task', 'table', 'path', 'bytes'], tables, { numbers: ['bytes'] })
  }
  const exchanges = plans.flatMap(({ task, exchanges = [] }) =>
    exchanges.map(({ by, buckets }, index) => [task, index + 2, by.join(', '), buckets ?? '']),
  )
  if (exchanges.length > 0) {
    print('')
    await printTable(['task', 'stage', 'rows by', 'buckets'], exchanges, { numbers: ['stage', 'buckets'] })
  }
  await printEstimates(plans)
  for (const { task, warnings } of plans) {
    for (const warning of warnings) printToStderr(`${paintLevel('warn')}: ${visible(`${task}: ${warning}`)}`)
  }
}

function planRow(plan: TaskPlan): readonly unknown[] {
  const { task, inputs, members, bytesIn, bytes, slices, batches, skew, expectedParts } = plan
  const counts = [slices, batches].map(formatCount)
  const read = [formatCount(inputs), formatCount(members), formatBytes(bytesIn), formatBytes(bytes)]
  return [task, ...read, ...counts, skew.toFixed(2), formatCount(expectedParts)]
}
