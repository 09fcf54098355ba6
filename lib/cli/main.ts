#!/usr/bin/env node
/** The command line's entry: sizes the thread pool, reads the arguments, ends with the exit code. */
import './threadpool.ts'
import { endWith } from './failure.ts'
import { createProgram } from './program.ts'

// A reader that has seen enough (`| head`) closes the pipe: the work goes on, what it prints is dropped.
process.stdout.on('error', dropBrokenPipe)
process.stderr.on('error', dropBrokenPipe)

try {
  await createProgram().parseAsync(process.argv)
} catch (error) {
  process.exitCode = await endWith(error, process.argv)
}

function dropBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
