/** Structured logs and metrics of the functions: numbers and names, never a row or a secret, but for what the user's functions log or throw. */
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { WorkerMessage } from '../model/worker-job.ts'

export const logger = new Logger({ serviceName: process.env.FANMILL_PIPELINE || 'fanmill' })

/** One batch, or one run, as metrics of the namespace Fanmill, by pipeline and task. */
export interface Measures {
  readonly task: string
  readonly rows: number
  readonly bytes: number
  readonly rejects: number
  /** Absent where nothing was timed. */
  readonly seconds?: number
}

/** In CloudWatch's embedded format: a line of the log, no request. */
export function measure({ task, rows, bytes, rejects, seconds }: Measures): void {
  const metrics = new Metrics({ namespace: 'Fanmill', serviceName: process.env.FANMILL_PIPELINE || 'fanmill' })
  metrics.addDimension('task', task)
  metrics.addMetric('Rows', MetricUnit.Count, rows)
  metrics.addMetric('Bytes', MetricUnit.Bytes, bytes)
  metrics.addMetric('Rejects', MetricUnit.Count, rejects)
  if (seconds) metrics.addMetric('Speed', MetricUnit.MegabytesPerSecond, bytes / seconds / 1e6)
  metrics.addMetric('PeakMemory', MetricUnit.Megabytes, peakMemoryMb())
  metrics.publishStoredMetrics()
}

/** What a thread's function logged; progress is in the outcomes. */
export function hear(message: WorkerMessage): void {
  if (message.kind !== 'log') return
  const { level, message: text, member, fields } = message
  logger[level](text, { ...(member && { member }), ...(fields && { fields }) })
}

/** Resident, of the process since it began; the platform counts in mebibytes. */
export const peakMemoryMb = (): number => Math.round(process.resourceUsage().maxRSS / 1024)
