#!/usr/bin/env node
/** Starts the command line: sizes the thread pool, and caches compiled code for later starts. */
import './threadpool.ts'
// Deliberately the default import: with a named one an older Node would fail before its version is checked.
import module from 'node:module'
import { compileCacheFolder } from '../threads/compile-cache.ts'

const cache = compileCacheFolder()
if (cache !== undefined) module.enableCompileCache(cache)
const { runCommandLine } = await import('./command-line.ts')
await runCommandLine()
