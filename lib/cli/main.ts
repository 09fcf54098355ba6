#!/usr/bin/env node
/** Starts the command line: sizes the thread pool, and caches compiled code for later starts. */
import './threadpool.ts'
// Deliberately the default import: with a named one an older Node would fail before its version is checked.
import module from 'node:module'

const compiled = module.enableCompileCache()
// Threads find the cache by their environment.
if (compiled.directory) process.env.NODE_COMPILE_CACHE ??= compiled.directory
const { runCommandLine } = await import('./command-line.ts')
await runCommandLine()
