/** How esbuild sees the sources of a Lambda asset: one Fanmill, entries beside each other, `import.meta.url` below `files/`. */
import { readFile } from 'node:fs/promises'
import { extname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Loader, OnLoadResult, Plugin } from 'esbuild'
import { assetNames } from '../../aws/lambda-events.ts'
import { entryUrl } from '../../bundle/entry-url.ts'

export interface AssetPluginOptions {
  /** The pipeline's. */
  readonly folder: string
  /** Folders of the handlers, which are Fanmill's own as its library is. */
  readonly handlerFolders: readonly string[]
}

export function assetPlugin({ folder, handlerFolders }: AssetPluginOptions): Plugin {
  const library = fileURLToPath(new URL('./', entryUrl('index')))
  const isOthers = (path: string): boolean =>
    /[\\/]node_modules[\\/]/.test(path) || [library, ...handlerFolders].some(own => path.startsWith(own))
  return {
    name: 'fanmill-lambda-asset',
    setup(build) {
      build.onResolve({ filter: /^fanmill$/ }, () => ({ path: fileURLToPath(entryUrl('index')), sideEffects: false }))
      build.onLoad({ filter: /[\\/]io[\\/]entry-url\.[jt]s$/ }, ({ path }) =>
        path.startsWith(library) ? { contents: ownEntryUrl, loader: 'js' } : undefined,
      )
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => (isOthers(path) ? undefined : loadSource(path, folder)))
    },
  }
}

/** All outputs are in one folder, chunks too. */
const ownEntryUrl = `export const entryUrl = entry => new URL('./' + entry + '.mjs', import.meta.url).href`

const placeAsked = /\bimport\.meta\.(url|filename|dirname)\b/g

/** A source of the user's that asks where it stands is told the place that its folder's included files have. */
async function loadSource(path: string, folder: string): Promise<OnLoadResult | undefined> {
  const source = await readFile(path, 'utf8')
  if (source.search(placeAsked) < 0) return undefined
  const place = `./${assetNames.files}/${relative(folder, path).replaceAll('\\', '/').replaceAll('../', '')}`
  const url = `const __fanmillUrl=import.meta.resolve(${JSON.stringify(place)}),__fanmillFile=decodeURIComponent(new URL(__fanmillUrl).pathname),__fanmillFolder=__fanmillFile.slice(0,__fanmillFile.lastIndexOf('/'));`
  const names: Readonly<Record<string, string>> = {
    url: '__fanmillUrl',
    filename: '__fanmillFile',
    dirname: '__fanmillFolder',
  }
  const contents = url + source.replace(/^#!/, '//').replace(placeAsked, (_, name: string) => names[name] ?? '')
  const extension = extname(path)
  const loader: Loader = extension.includes('ts') ? 'ts' : 'js'
  return { contents, loader }
}
