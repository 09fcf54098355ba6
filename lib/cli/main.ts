#!/usr/bin/env node
/** The command line's entry: sizes the thread pool, and keeps what is compiled for later starts. */
import { enableCompileCache } from 'node:module'
import './threadpool.ts'

const compiled = enableCompileCache()
// Threads look for it in their environment alone.
if (compiled.directory) process.env.NODE_COMPILE_CACHE ??= compiled.directory
const { runCommandLine } = await import('./command-line.ts')
await runCommandLine()
