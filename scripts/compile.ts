/** Compiles the sources into the code of the published package, with its package.json: few files, which load faster. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { type Node, parse } from 'acorn'
import { type BuildOptions, build as bundle, type PluginBuild } from 'esbuild'
import { nodeNeeded } from '../lib/node-version.ts'

const root = join(import.meta.dirname, '..')

/** Files that are imported or started by their name; all other sources go into chunks that these share. */
const entries = [
  'lib/index',
  'lib/testing',
  'lib/bundle-lambda',
  'lib/bundle-schemas',
  'functions/plan',
  'functions/process',
  'functions/commit',
  'functions/graph',
  'functions/start',
  'infra/index',
]

/**
 * Entries that are one file each, with the packages that they use. Each thread, or each start of the command line, loads them again, and a
 * file more costs it as much as 10 kB of code. What they import when it is needed is a file of its own.
 */
const singleEntries = [
  'lib/fanmill',
  'lib/cli/main',
  'lib/cli/command-line',
  'lib/local/start-run',
  'lib/worker',
  'lib/worker-extract',
  'lib/worker-map',
]

/** Entries like these, but each a script beside a module that loads it with the functions that earlier processes have compiled. */
const keptEntries = ['lib/local/run', 'lib/worker-kept']

/**
 * Packages that are not bundled: those loaded only for S3, those with native parts or threads of their own, and those that Node warns of
 * outside of packages, or that have no text of their licence.
 */
const externals = [
  '@aws-sdk/*',
  '@smithy/*',
  '@duckdb/node-bindings',
  'esbuild',
  'piscina',
  'seek-bzip',
  'xz-decompress',
  'apache-arrow',
]

/**
 * Sources that stay files of their own: the bundle of a Lambda function replaces one of them, threads and pipelines must share the classes
 * of errors, the command line must know the threads that its commands lost, and the version of Node is checked before the rest is loaded.
 */
const apart = {
  '#node-version': 'lib/node-version',
  '#entry-url': 'lib/bundle/entry-url',
  '#errors': 'lib/errors/errors',
  '#lost-jobs': 'lib/threads/pool/lost-jobs',
} as const

const shared = {
  absWorkingDir: root,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
} as const

const joined = {
  ...shared,
  bundle: true,
  outbase: root,
  // The entry of the command line is imported for its effects.
  ignoreAnnotations: true,
  metafile: true,
} satisfies BuildOptions

/** The first import of each file but those of threads, so that nothing else runs on a Node that is too old. */
const checkVersion = "import '#node-version';"
/** CommonJS packages call `require` for modules of Node and for the binding. */
const defineRequire = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/** Writes the code and its package.json to a folder that exists. */
export async function compile(folder: string): Promise<void> {
  const singles = await Promise.all([
    ...singleEntries.map(entry => compileSingle(entry, folder)),
    ...keptEntries.map(entry => compileKept(entry, folder)),
  ])
  const own = [...singleEntries, ...keptEntries]
  const lazy = new Set(singles.flatMap(single => single.lazy.filter(entry => !own.includes(entry))))
  const chunked = { ...joined, outdir: folder, splitting: true, chunkNames: 'lib/shared/[hash]', plugins: [ownFiles] }
  await bundle({
    ...chunked,
    entryPoints: sourcesOf([...entries, ...lazy]),
    packages: 'external',
    banner: { js: checkVersion },
  })
  await bundle({ ...shared, outdir: folder, outbase: root, entryPoints: sourcesOf(Object.values(apart)) })
  const inputs = singles.flatMap(single => single.inputs)
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licencesOf(inputs))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedPackage(), null, 2)}\n`)
}

interface Single {
  readonly inputs: string[]
  /** The entries that it imports when they are needed. */
  readonly lazy: string[]
}

/** Compiles an entry into one file. */
async function compileSingle(entry: string, folder: string, options: BuildOptions = {}): Promise<Single> {
  const lazy = new Set<string>()
  const importLazily = ({ onResolve }: PluginBuild): void =>
    onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined
      const target = relative(root, join(resolveDir, path)).replace(/\.ts$/, '')
      lazy.add(target)
      return { path: `./${relative(dirname(entry), target)}.js`.replace(/^\.\/\.\./, '..'), external: true }
    })
  const { metafile } = await bundle({
    ...joined,
    entryPoints: sourcesOf([entry]),
    outdir: folder,
    external: [...externals],
    banner: { js: `${versionCheckOf(entry)} ${defineRequire}` },
    plugins: [{ name: 'lazy', setup: importLazily }, ownFiles],
    ...options,
  })
  return { inputs: Object.keys(metafile?.inputs ?? {}), lazy: [...lazy] }
}

const versionCheckOf = (entry: string): string => (entry.startsWith('lib/worker') ? '' : checkVersion)

/** Compiles an entry into a script and the module that loads it. */
async function compileKept(entry: string, folder: string): Promise<Single> {
  const file = join(folder, `${entry}.cjs`)
  const single = await compileSingle(entry, folder, {
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { 'import.meta.url': '__url' },
    banner: {},
    charset: 'ascii',
  })
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, `(function (exports, require, module, __url, __import) {${asScript(text)}\n})\n`)
  const own = Object.keys(apart).filter(name => text.includes(`require("${name}")`))
  await bundle({
    ...joined,
    stdin: { contents: loaderText(basename(file), text, own), resolveDir: root, sourcefile: `${entry}.js` },
    outfile: join(folder, `${entry}.js`),
    external: own,
    banner: { js: versionCheckOf(entry) },
  })
  return single
}

/** Returns the module that loads a script, for which it imports the files of `apart` that the script needs. */
function loaderText(script: string, text: string, needed: readonly string[]): string {
  // esbuild lists the exports of a script for Node, in code that is never run.
  const names = /^0 && \(module\.exports = \{([^}]*)\}/m.exec(text)?.[1]?.trim()
  if (!names) throw new Error(`${script} has no list of its exports`)
  const imports = needed.map((name, index) => `import * as own${index} from '${name}'`)
  return `import { createRequire } from 'node:module'
import { loadKept } from './lib/threads/kept-code.ts'
${imports.join('\n')}
const own = { ${needed.map((name, index) => `'${name}': own${index}`).join(', ')} }
const { url } = import.meta
const requireOther = createRequire(url)
const require = name => own[name] ?? requireOther(name)
export const { ${names} } = loadKept(new URL('./${script}', url), { url, require, import: name => import(name) })`
}

/**
 * Returns a bundled text as a script of ASCII, which takes half of the memory: esbuild has escaped other characters in texts, and those in
 * comments are replaced. A script has no `import()` of its own: it imports as the module does that loads it.
 */
function asScript(text: string): string {
  const comments: Span[] = []
  const onComment = (_isBlock: boolean, _content: string, start: number, end: number): void =>
    void comments.push({ start, end })
  const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'script', onComment })
  const imports = importPlaces(tree).map(start => ({ start, end: start }))
  let at = 0
  const pieces = [...comments, ...imports]
    .sort((a, b) => a.start - b.start)
    .map(({ start, end }) => {
      const before = text.slice(at, start)
      at = end
      return before + (start === end ? '__' : text.slice(start, end).replace(/\P{ASCII}/gu, '?'))
    })
  return pieces.join('') + text.slice(at)
}

type Span = Pick<Node, 'start' | 'end'>

/** Returns the offsets of the calls of `import()` in a tree. */
function importPlaces(tree: unknown): number[] {
  if (typeof tree !== 'object' || tree === null) return []
  const { type, start = 0 } = tree as Partial<Node>
  return [...(type === 'ImportExpression' ? [start] : []), ...Object.values(tree).flatMap(importPlaces)]
}

function sourcesOf(names: readonly string[]): string[] {
  return names.map(name => `${name}.ts`)
}

const ownFiles = { name: 'apart', setup: keepApart }

function keepApart({ onResolve }: PluginBuild): void {
  for (const [name, source] of Object.entries(apart)) {
    const filter = new RegExp(`/${basename(source)}\\.ts$`)
    onResolve({ filter }, ({ path, resolveDir }) =>
      join(resolveDir, path) === join(root, `${source}.ts`) ? { path: name, external: true } : undefined,
    )
  }
}

/** Writes the licences of the packages whose sources are bundled, and of what is compiled in the repository. */
function licencesOf(inputs: readonly string[]): string {
  const packages = new Set(inputs.flatMap(input => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []))
  const texts = [...packages].sort().map(name => {
    const file = readdirSync(join(root, name)).find(each => /^licen[cs]e/i.test(each))
    if (file === undefined) throw new Error(`${name} has no licence to ship with its code`)
    return `${name.slice('node_modules/'.length)}\n\n${readFileSync(join(root, name, file), 'utf8').trim()}\n`
  })
  if (inputs.includes('lib/inflate/inflate-kernel.ts'))
    texts.push(`libdeflate\n\n${readFileSync(join(root, 'lib/inflate/libdeflate/COPYING'), 'utf8').trim()}\n`)
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

/** Returns the repository's package.json with entries that point at compiled files, without the parts that only developers need. */
function publishedPackage(): Record<string, unknown> {
  const {
    exports,
    scripts,
    devDependencies,
    allowScripts,
    private: isPrivate,
    ...kept
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return {
    ...kept,
    engines: { node: `>=${nodeNeeded}` },
    exports: compiledExports(exports),
    imports: Object.fromEntries(Object.entries(apart).map(([name, source]) => [name, `./${source}.js`])),
    bin: { fanmill: 'lib/cli/main.js' },
  }
}

function compiledExports(exports: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(exports).map(([name, target]) => {
    if (!target.endsWith('.ts')) return [name, target]
    const code = name === '.' ? './lib/fanmill.js' : target.replace(/\.ts$/, '.js')
    return [name, { types: target.replace(/\.ts$/, '.d.ts'), default: code }]
  })
  return Object.fromEntries(entries)
}
