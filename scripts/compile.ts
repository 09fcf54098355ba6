/** Compiles the sources into the code of the published package, with its package.json: few files, which load faster. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build as bundle, type PluginBuild } from 'esbuild'
import { nodeNeeded } from '../lib/node-version.ts'

const root = join(import.meta.dirname, '..')

/** Files that are imported or started by their name; all other sources go into chunks that these share. */
const entries = [
  'lib/index',
  'lib/testing',
  'lib/cli/main',
  'lib/bundle-lambda',
  'lib/bundle-schemas',
  'functions/plan',
  'functions/process',
  'functions/commit',
  'functions/graph',
  'functions/start',
  'infra/index',
]

/** Entries whose packages are bundled too: each thread loads its modules again, and few files halve the time for that. */
const threadEntries = ['lib/worker', 'lib/worker-extract', 'lib/worker-map']

/**
 * Packages that are not bundled: those loaded only for S3, those with native parts, one that uses what Node warns of outside of packages,
 * and one without the text of its licence.
 */
const threadExternals = ['@aws-sdk/*', '@smithy/*', '@duckdb/node-bindings', 'seek-bzip', 'xz-decompress']

/**
 * Sources that stay files of their own: the bundle of a Lambda function replaces one of them, threads and pipelines must share the classes
 * of errors, and the version of Node is checked before the rest is loaded.
 */
const apart = {
  '#node-version': 'lib/node-version',
  '#entry-url': 'lib/bundle/entry-url',
  '#errors': 'lib/errors/errors',
} as const

/** Writes the code and its package.json to a folder that exists. */
export async function compile(folder: string): Promise<void> {
  const shared = {
    absWorkingDir: root,
    outdir: folder,
    outbase: root,
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
    splitting: true,
    // Chunks lie as deep as the sources, which look for files beside them.
    chunkNames: 'lib/shared/[hash]',
    // The entry of the command line is imported for its effects.
    ignoreAnnotations: true,
    plugins: [{ name: 'apart', setup: keepApart }],
  } satisfies BuildOptions
  await bundle({
    ...joined,
    entryPoints: sourcesOf(entries),
    packages: 'external',
    // The first import of each file, so that nothing else runs on a Node that is too old.
    banner: { js: "import '#node-version';" },
  })
  const { metafile } = await bundle({
    ...joined,
    entryPoints: sourcesOf(threadEntries),
    external: [...threadExternals],
    metafile: true,
    // CommonJS packages call `require` for modules of Node and for the binding.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  await bundle({ ...shared, entryPoints: sourcesOf(Object.values(apart)) })
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licencesOf(Object.keys(metafile.inputs)))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedPackage(), null, 2)}\n`)
}

function sourcesOf(names: readonly string[]): string[] {
  return names.map(name => `${name}.ts`)
}

function keepApart({ onResolve }: PluginBuild): void {
  for (const [name, source] of Object.entries(apart)) {
    const filter = new RegExp(`/${basename(source)}\\.ts$`)
    onResolve({ filter }, ({ path, resolveDir }) =>
      join(resolveDir, path) === join(root, `${source}.ts`) ? { path: name, external: true } : undefined,
    )
  }
}

/** Writes the licences of the packages whose sources are bundled. */
function licencesOf(inputs: readonly string[]): string {
  const packages = new Set(inputs.flatMap(input => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []))
  const texts = [...packages].sort().map(name => {
    const file = readdirSync(join(root, name)).find(each => /^licen[cs]e/i.test(each))
    if (file === undefined) throw new Error(`${name} has no licence to ship with its code`)
    return `${name.slice('node_modules/'.length)}\n\n${readFileSync(join(root, name, file), 'utf8').trim()}\n`
  })
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
    return [name, { types: target.replace(/\.ts$/, '.d.ts'), default: target.replace(/\.ts$/, '.js') }]
  })
  return Object.fromEntries(entries)
}
