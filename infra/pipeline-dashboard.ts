/** A dashboard of one pipeline: executions, batches by tier, their times and errors, and the metrics of the functions. */
import { Dashboard, GraphWidget, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import { executionMetric } from './pipeline-alarms.ts'
import type { PipelineParts } from './pipeline-parts.ts'

/** Makes the dashboard; `name` is the pipeline's name in the metrics of the functions. */
export function makeDashboard(
  scope: Construct,
  { plan, process, commit, stateMachineArn }: PipelineParts,
  name: string,
): Dashboard {
  const functions = [plan, ...process, commit].map(each => each.function)
  const executions = ['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed'].map(metric =>
    executionMetric(metric, stateMachineArn),
  )
  return new Dashboard(scope, 'Dashboard', {
    widgets: [
      [
        graph('Executions', executions),
        graph(
          'Batches by tier',
          process.map(each => each.function.metricInvocations()),
        ),
      ],
      [
        graph(
          'Longest invocation',
          functions.map(each => each.metricDuration({ statistic: 'Maximum' })),
        ),
        graph(
          'Errors and throttles',
          functions.flatMap(each => [each.metricErrors(), each.metricThrottles()]),
        ),
      ],
      [
        graph(
          'Rows, bytes, rejects',
          ['Rows', 'Bytes', 'Rejects'].map(metric => measured(metric, name, 'Sum')),
        ),
        graph('Peak memory, MB', [measured('PeakMemory', name, 'Maximum')]),
      ],
    ],
  })
}

/** Finds a metric of all tasks of the pipeline: the task is a dimension. */
function measured(metric: string, service: string, statistic: string): MathExpression {
  const search = `SEARCH('{Fanmill,service,task} MetricName="${metric}" service="${service}"', '${statistic}', 300)`
  return new MathExpression({ expression: search, label: metric, usingMetrics: {} })
}

function graph(title: string, left: ConstructorParameters<typeof GraphWidget>[0]['left'] & {}): GraphWidget {
  return new GraphWidget({ title, left: [...left], width: 12 })
}
