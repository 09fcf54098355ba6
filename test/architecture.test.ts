/**
 * The dependency arrows of ARCHITECTURE.md, as a test.
 * A layer may import only the layers and packages listed for it; `import type` is always free.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = [/^lib\/(steps|io|engine|core|define|local|worker-thread)/, /^node:/]
const pure = [/^node:(zlib|crypto|buffer|path\/posix)$/, /^(yauzl|picomatch|acorn|fastest-levenshtein|valibot)$/]

/** First match wins: files before their folders. */
const layers: Record<string, readonly RegExp[]> = {
  'lib/define': [/^lib\/define/, /^lib\/core\/(errors|nearest)\.ts$/, /^valibot$/],
  'lib/core': [/^lib\/(core|define)/, ...pure],
  'lib/engine': [/^lib\/(engine|core|define)/, /^@duckdb\//, /^node:/],
  'lib/io/s3-client.ts': [/^lib\/(io|core|define)/, /^node:/, /^@aws-sdk\//],
  'lib/io/aws-control.ts': [/^lib\/(io|core|define)/, /^node:/, /^@aws-sdk\//],
  'lib/io/secrets-client.ts': [/^lib\/(io|core|define)/, /^node:/, /^@aws-sdk\//],
  'lib/io/start-execution.ts': [/^lib\/(io|core|define)/, /^node:/, /^@aws-sdk\//],
  'lib/io': [/^lib\/(io|core|define)/, /^node:/, /^(piscina|pino|esbuild|fastest-levenshtein|picomatch)$/],
  'lib/steps': [/^lib\/(steps|core|define)/, /^node:(path\/posix|crypto|buffer)$/, /^valibot$/],
  'lib/node-version.ts': [],
  'lib/index.ts': [/^lib\/(local|core|define)/],
  'lib/local': root,
  'lib/testing': [...root, /^lib\/testing/],
  'lib/cli': [...root, /^lib\/cli/, /^(commander|cli-progress|cli-table3)$/],
  'lib/worker': [...root, /^lib\/worker/],
  'lib/bundle': [...root, /^lib\/bundle/],
  'lib/lambda': [...root, /^lib\/lambda/, /^valibot$/, /^@aws-lambda-powertools\//],
  functions: [...root, /^lib\/lambda/, /^valibot$/],
  infra: [/^infra\//, /^lib\/(define|core)/, /^node:/, /^(aws-cdk-lib|constructs|cdk-nag|esbuild)/],
}

const files = ['lib', 'functions', 'infra'].flatMap(sources)

describe('layers', () => {
  it.each(files)('keeps the imports of %s to what its layer may', file => {
    const layer = Object.keys(layers).find(name => file.startsWith(name))
    expect(layer, 'every file belongs to a layer').toBeDefined()
    const illegal = valueImports(file).filter(target => !layers[layer!]!.some(rule => rule.test(target)))
    expect(illegal).toEqual([])
  })

  it('has no import cycles', () => {
    expect(cycles()).toEqual([])
  })
})

describe('files', () => {
  it.each([...files, ...['test', 'scripts', 'bench', 'examples'].flatMap(sources)])('keeps %s short', file => {
    expect(readFileSync(file, 'utf8').split('\n').length - 1).toBeLessThanOrEqual(400)
  })

  it('names files after what they hold', () => {
    const vague = /^(utils?|helpers?|common|managers?|base)\b|[-.](utils?|helpers?|common|manager|base)\.ts$/
    expect(files.filter(file => vague.test(basename(file)))).toEqual([])
  })

  it('names no path of one machine in tracked files', () => {
    const path = /(?<![\w.}*/-])\/(?:work|home|root|Users)\/[\w.-]+/
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(Boolean)
    const texts = tracked.filter(file => /\.(ts|js|json|md|ya?ml|py|sh)$|^\.ci\/|^\.npmrc$/.test(file))
    expect(texts.filter(file => path.test(textOf(file)))).toEqual([])
  })
})

function sources(folder: string): string[] {
  return listed(folder)
    .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map(name => normalize(join(folder, name)))
}

/** Folders that a later part fills may be absent. */
function listed(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
}

/** A tracked file may be deleted in the working tree. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Value imports of a file, also by `import()`, relative ones resolved from the repository root. */
function valueImports(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  const fixed = source.matchAll(/^(?:import|export)\s+(?!type\b)(?:[\w$*{},\s]+?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  const lazy = source.matchAll(/(?<!typeof )\bimport\(['"]([^'"]+)['"]\)/g)
  return [...fixed, ...lazy]
    .map(match => match[1]!)
    .map(target => (target.startsWith('.') ? normalize(join(dirname(file), target)) : target))
}

function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file) || !files.includes(file)) return
    for (const target of valueImports(file)) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
