/** Parses the arguments, runs the command, and sets the exit code. */
import { endIfThreadsAreLost } from '../threads/pool/end-process.ts'
import { createProgram } from './program.ts'
import { endWith } from './view/failure.ts'

export async function runCommandLine(): Promise<void> {
  // A reader such as `| head` may close the pipe early: the command continues, and its output is dropped.
  process.stdout.on('error', dropBrokenPipe)
  process.stderr.on('error', dropBrokenPipe)
  try {
    await createProgram().parseAsync(process.argv)
  } catch (error) {
    process.exitCode = await endWith(error, process.argv)
  }
  // A run may be complete although the slower of two copies of its work has not returned.
  process.exitCode ??= 0
  endIfThreadsAreLost()
}

function dropBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
