/** Amounts of what AWS sells, as lines of a bill. */
import { type Architecture, awsPrices } from './prices.ts'

export interface Amounts {
  /** Of memory. */
  readonly gbSeconds: number
  /** Of temporary storage, above what each function has. */
  readonly storageGbSeconds: number
  readonly invocations: number
  readonly transitions: number
  readonly s3: { readonly reads: number; readonly writes: number }
  readonly logBytes: number
}

export interface CostLine {
  readonly what: string
  readonly amount: number
  /** Dollars for one. */
  readonly price: number
  readonly dollars: number
}

/** Metrics of Process: rows, bytes, rejects, speed, memory. */
const metricCount = 5

export function costLines(
  amounts: Amounts,
  { architecture, seconds }: { readonly architecture: Architecture; readonly seconds: number },
): readonly CostLine[] {
  const { lambda, steps, s3, cloudWatch } = awsPrices
  return [
    line(`Lambda, GB-seconds of memory (${architecture})`, amounts.gbSeconds, lambda.gbSecond[architecture]),
    line('Lambda, GB-seconds of temporary storage', amounts.storageGbSeconds, lambda.storageGbSecond),
    line('Lambda, invocations', amounts.invocations, lambda.request),
    line('Step Functions, state transitions', amounts.transitions, steps.transition),
    line('S3, writes and listings', amounts.s3.writes, s3.write),
    line('S3, reads', amounts.s3.reads, s3.read),
    line('CloudWatch, GB of logs', amounts.logBytes / 1e9, cloudWatch.logsGb),
    line('CloudWatch, metrics by the hour', metricCount * Math.ceil(seconds / 3600), cloudWatch.metricHour),
  ]
}

const line = (what: string, amount: number, price: number): CostLine => ({
  what,
  amount,
  price,
  dollars: amount * price,
})
