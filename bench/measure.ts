/** Measures one whole process, from its start to its end. */
import { execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type TreeUse, watchTree } from './process-tree.ts'

export interface Measurement extends TreeUse {
  readonly seconds: number
  /** Time from the start to the first line of output that `mark` matches. */
  readonly markSeconds?: number
}

/** Program and arguments. */
export type Command = readonly [string, ...string[]]

/** Runs a program. @throws Error with its last line of output when it fails; the lines before are the cause */
export async function measure([program, ...args]: Command, mark?: RegExp): Promise<Measurement> {
  // Output of an earlier process must not be written to the disk meanwhile.
  execFileSync('sync')
  const start = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const stopWatching = watchTree(child.pid ?? 0)
  const tail: string[] = []
  let markSeconds: number | undefined
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', line => {
      if (mark?.test(line)) markSeconds ??= (performance.now() - start) / 1000
      if (tail.push(line) > 20) tail.shift()
    })
  const { code, seconds } = await ended(child, start)
  const use = stopWatching()
  if (code !== 0) throw new Error(`ended with ${code}: ${tail.at(-1)}`, { cause: tail.join('\n') })
  return { ...use, seconds, markSeconds }
}

/** Waits for the end of the process, after its output was read completely. */
function ended(child: ReturnType<typeof spawn>, start: number): Promise<{ code: number | null; seconds: number }> {
  return new Promise((resolve, reject) => {
    let seconds = 0
    child.on('error', reject)
    child.on('exit', () => {
      seconds = (performance.now() - start) / 1000
    })
    child.on('close', code => resolve({ code, seconds }))
  })
}
