/** Starts the threads of a run before the code that runs it is loaded: each takes about as long. */
import type { PipelineDefinition } from '../define/definition.ts'
import { openRunThreads } from '../threads/pool/run-threads.ts'
import type { RunOptions } from './options/run-options.ts'
import type { RunResult } from './task-context.ts'

/** Runs a pipeline. @throws as `run` in `run.ts` */
export async function startRun(pipeline: PipelineDefinition | string, options: RunOptions): Promise<RunResult> {
  const threads = openRunThreads(options)
  const { run } = await import('./run.ts')
  return run(pipeline, options, { threads })
}
