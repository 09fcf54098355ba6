/** Structured logs and metrics of the functions: numbers and names, and no row or secret, except for what functions of the user log or throw. */
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { WorkerMessage } from '../model/worker-job.ts'

export const logger = new Logger({ serviceName: process.env.FANMILL_PIPELINE || 'fanmill' })

/**
 * Writes the metrics of one batch, in the namespace Fanmill, by pipeline and task, as a log line in CloudWatch's embedded format, without a
 * request.
 */
export function measure(task: string, { rowsWritten, rowsRejected, bytesInflated: bytes, seconds }: Outcome): void {
  const metrics = new Metrics({ namespace: 'Fanmill', serviceName: process.env.FANMILL_PIPELINE || 'fanmill' })
  metrics.addDimension('task', task)
  metrics.addMetric('Rows', MetricUnit.Count, rowsWritten)
  metrics.addMetric('Bytes', MetricUnit.Bytes, bytes)
  metrics.addMetric('Rejects', MetricUnit.Count, rowsRejected)
  if (seconds) metrics.addMetric('Speed', MetricUnit.MegabytesPerSecond, bytes / seconds / 1e6)
  metrics.addMetric('PeakMemory', MetricUnit.Megabytes, peakMemoryMb())
  metrics.publishStoredMetrics()
}

/** Writes what a function of the user logged in a thread; progress is in the outcomes. */
export function logMessage(message: WorkerMessage): void {
  if (message.kind !== 'log') return
  const { level, message: text, member, fields } = message
  logger[level](text, { member, fields })
}

/** Returns the largest resident size of the process since its start, in mebibytes as the platform counts. */
export const peakMemoryMb = (): number => Math.round(process.resourceUsage().maxRSS / 1024)
