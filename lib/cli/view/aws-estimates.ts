/** Prints the estimate of `fanmill plan` for AWS: dollars and seconds, two digits each. */
import type { AwsEstimate } from '../../aws/estimate.ts'
import type { TaskPlan } from '../../local/plans/plan-run.ts'
import { print } from '../output.ts'
import { formatCount } from './amounts.ts'
import { printTable } from './table.ts'

/** Prints nothing when no task has an estimate. */
export function printEstimates(plans: readonly TaskPlan[]): void {
  const estimated = plans.flatMap(({ node, aws }) => (aws ? [{ task: node, aws }] : []))
  const [first] = estimated
  if (!first) return
  print('')
  const rows = estimated.map(({ task, aws }) => {
    const { dollars, seconds, batches, gbSeconds, transitions, s3 } = aws
    const counts = [batches, roughly(gbSeconds), transitions, s3.reads, s3.writes].map(formatCount)
    return [task, aboutDollars(dollars), aboutSeconds(seconds), ...counts]
  })
  printTable(['task', 'on AWS', 'time', ...numbers], rows, { numbers })
  printUploads(estimated)
  const { platform, prices } = first.aws
  const { memoryMb, threads } = platform.tiers[0]
  const functions = `${platform.architecture}, ${formatCount(memoryMb)} MB with ${threads} threads`
  print(`About: ${functions}, ${platform.maxConcurrency} batches at once, ${prices.region} prices of ${prices.date}.`)
  print(
    'Estimated from the counts of this plan and speeds measured on another machine: a run may differ by a factor of two. --json shows the arithmetic.',
  )
}

/** Prints nothing for a task that has one input object. */
function printUploads(estimated: readonly { readonly task: string; readonly aws: AwsEstimate }[]): void {
  for (const { task, aws } of estimated) {
    const { executions, dollars } = aws.uploads
    if (executions > 0)
      print(
        `Uploads: ${formatCount(executions + 1)} objects of ${task}, uploaded one by one under a trigger, start ${formatCount(executions)} more executions: ${aboutDollars(dollars)}.`,
      )
  }
}

const numbers = ['batches', 'GB-seconds', 'transitions', 'S3 reads', 'S3 writes']

/** Two digits, and no cents of cents: `under $0.01`, `$0.035`, `$1.2`, `$340`. */
export function aboutDollars(dollars: number): string {
  if (dollars < 0.01) return 'under $0.01'
  const rough = roughly(dollars)
  return `$${rough < 1 ? rough : rough < 10 ? rough.toFixed(2) : formatCount(rough)}`
}

/** `35 s`, `4 min`, `1.5 h`. */
export function aboutSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`
  if (seconds < 90 * 60) return `${roughly(seconds / 60)} min`
  return `${roughly(seconds / 3600)} h`
}

/** Two digits that count. */
const roughly = (amount: number): number => Number(amount.toPrecision(2))
