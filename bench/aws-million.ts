/** Measures the memory of the functions over an archive of very many members. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commitOn, planOn, processOn } from './aws-run.ts'
import { type AwsStack, type FunctionName, openStack } from './aws-stack.ts'
import type { FigureCase, Figures } from './figures.ts'
import { generate } from './generate.ts'
import { inputPath, inputs } from './inputs.ts'

export const lambdaMillionCase: FigureCase = {
  name: 'lambda-million',
  title: 'memory of the functions over a zip of 1,000,000 members',
  async measure() {
    await generate('million')
    const stack = await openStack(fileURLToPath(new URL('pipelines/orders.ts', import.meta.url)))
    try {
      return await measureOn(stack)
    } finally {
      await stack.close()
    }
  },
}

async function measureOn(stack: AwsStack): Promise<Figures> {
  await stack.upload('million.zip', inputPath('million'))
  const planned = await planOn(stack, 'million')
  const planPeak = peakMemoryMb('plan')
  const times: number[] = []
  for (const item of planned.items) times.push((await processOn(stack, planned, item)).seconds)
  const processPeak = peakMemoryMb('process')
  const answer = await commitOn(stack, planned)
  if (!('done' in answer && answer.done)) throw new Error(`expected a commit, got ${JSON.stringify(answer)}`)
  const commitPeak = peakMemoryMb('commit')
  const rows = JSON.parse(await stack.readOutput('million/_SUCCESS')).totals.rows
  if (rows !== inputs.million.rows) throw new Error(`expected ${inputs.million.rows} rows, got ${rows}`)
  return {
    says: [
      `${planned.items.length} batches, the longest of ${Math.max(...times).toFixed(0)} s. The largest resident size of each function's process since its start, as the kernel counts it (Linux); one process served all calls of a function. Plan and Commit are deployed with 1,769 MB by default, Process with 3,008 MB.`,
    ],
    tables: [
      {
        head: ['function', 'peak MB'],
        rows: [
          ['plan', `${planPeak}`],
          ['process', `${processPeak}`],
          ['commit', `${commitPeak}`],
        ],
      },
    ],
  }
}

/** Returns the largest resident size of the processes that run a function, in mebibytes. @throws Error when there is none */
function peakMemoryMb(name: FunctionName): number {
  const peaks = readdirSync('/proc')
    .filter(
      entry => /^\d+$/.test(entry) && readProcess(entry, 'environ').includes(`AWS_LAMBDA_FUNCTION_NAME=${name}\0`),
    )
    .map(entry => Number(/^VmHWM:\s+(\d+) kB/m.exec(readProcess(entry, 'status'))?.[1] ?? 0))
  if (peaks.length === 0) throw new Error(`expected a process of the function ${name}, got none`)
  return Math.round(Math.max(...peaks) / 1024)
}

/** Returns a file of a process; empty when the process has ended. */
function readProcess(id: string, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
