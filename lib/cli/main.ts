#!/usr/bin/env node
/** The command line's entry: sizes the thread pool, and keeps what is compiled for later starts. */
import './threadpool.ts'
// Deliberately not by name: an older Node, which lacks it, would fail before its version is checked.
import module from 'node:module'

const compiled = module.enableCompileCache()
// Threads look for it in their environment alone.
if (compiled.directory) process.env.NODE_COMPILE_CACHE ??= compiled.directory
const { runCommandLine } = await import('./command-line.ts')
await runCommandLine()
