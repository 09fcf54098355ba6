/** `fanmill tasks`: prints the tasks of a pipeline with their parameters and docs. */
import type { Command } from 'commander'
import type { ParamDefinition, PipelineDefinition, TaskDefinition } from '../../define/definition.ts'
import { upstreamOf } from '../../define/sources/source-paths.ts'
import { addCommand, type CommonOptions } from '../options.ts'
import { print, printJson, visible } from '../output.ts'
import { drawTable } from '../view/table.ts'

export function addTasksCommand(program: Command): void {
  addCommand(program, {
    usage: 'tasks <pipeline>',
    description: 'list tasks with their parameters and docs',
    examples: ['tasks pipelines/flights.ts', 'tasks pipelines/flights.ts --json'],
  }).action(tasksAction)
}

async function tasksAction(path: string, { json }: CommonOptions): Promise<void> {
  const { loadPipelineFile } = await import('../../local/pipeline-file.ts')
  const pipeline = await loadPipelineFile(path)
  if (json) printJson(pipelineJson(pipeline))
  else for (const task of pipeline.tasks) printTask(task)
}

function pipelineJson({ name, tasks }: PipelineDefinition): unknown {
  const taskJson = ({ name, doc, params, source, output }: TaskDefinition) => {
    return { name, doc, params, reads: readsOf(source), output: output.path }
  }
  return { name, tasks: tasks.map(taskJson) }
}

/** Returns the names of the tasks whose rows a source reads; undefined when it reads none. */
function readsOf(source: TaskDefinition['source']): string | undefined {
  const names = upstreamOf(source).map(({ name }) => name)
  return names.length > 0 ? names.join(', ') : undefined
}

function printTask({ name, doc, params, source, output }: TaskDefinition): void {
  print(visible(doc === undefined ? name : `${name}: ${doc}`))
  const reads = readsOf(source)
  if (reads !== undefined) print(visible(`  reads: ${reads}`))
  print(visible(`  output: ${output.path}`))
  const rows = Object.entries(params).map(([param, definition]) => ['', param, ...paramCells(definition)])
  if (rows.length > 0) print(drawTable(['', 'parameter', 'type', 'default', 'doc'], rows))
  print('')
}

function paramCells({ type, values, default: byDefault, doc }: ParamDefinition): readonly unknown[] {
  return [values === undefined ? type : values.join(' | '), byDefault ?? '(required)', doc]
}
