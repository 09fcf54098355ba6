/** A folder with a pipeline and its input, run in this process. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type DatasetRow, openDataset, type RunOptions, type RunResult } from '../../lib/index.ts'
import { runSession } from '../../lib/local/run.ts'
import { openSession, type SessionTuning } from '../../lib/local/session.ts'
import { readManifest } from '../../lib/state/state.ts'

export interface Project {
  readonly folder: string
  readonly out: string
  write(files: Files): void
  run(options?: RunOptions, tuning?: SessionTuning): Promise<RunResult>
  /** Files below the output, without the state, in order. */
  outputFiles(): string[]
  /** Everything below the output that looks temporary or pending. */
  leftovers(): string[]
  manifest(path: string): ReturnType<typeof readManifest>
  /** Rows of the dataset at a path below the output, in the order of the parts; default `t`. */
  rows(path?: string): Promise<DatasetRow[]>
}

/**
 * Makes a project whose runs have one worker. The tests of most folders read one small slice, for which a second thread only opens an
 * engine: a file of 28 runs takes 13 seconds of CPU time instead of 23. `pipeline` is the text of a module that imports `fanmill`.
 */
export const project = projectWith({ workers: 1 })

/** Returns a function that makes projects whose runs have these options, for tests with more than one slice or node. */
export function projectWith(usual: RunOptions): (pipeline: string, files?: Files) => Project {
  return (pipeline, files = {}) => makeProject(usual, pipeline, files)
}

type Files = Readonly<Record<string, string | Uint8Array>>

function makeProject(usual: RunOptions, pipeline: string, files: Files): Project {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-project-'))
  const out = join(folder, 'out')
  const write = (some: Files): void => {
    for (const [name, content] of Object.entries(some)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
  }
  write({ 'pipeline.ts': pipeline, ...files })
  const all = () => filesBelow(out)
  return {
    folder,
    out,
    write,
    async run(options = {}, tuning = {}) {
      const given = { input: folder, output: out, ...usual, ...options }
      return runSession(await openSession(join(folder, 'pipeline.ts'), given, tuning))
    },
    outputFiles: () => all().filter(name => !name.startsWith('.fanmill/')),
    leftovers: () => all().filter(name => /^\.fanmill\/(pending|tmp)\//.test(name) || name.includes('.pending-')),
    rows: async (path = 't') => Array.fromAsync((await openDataset(join(out, path))).rows()),
    manifest: path => readManifest(readFileSync(join(out, path, '_SUCCESS')), path),
  }
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort()
  } catch {
    return []
  }
}
