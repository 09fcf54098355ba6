/** The esbuild plugin of a Lambda asset: bundles Fanmill once, puts the entries in one folder, and lets `import.meta.url` point below `files/`. */
import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OnLoadResult, Plugin } from 'esbuild'
import { assetNames } from '../../aws/lambda-events.ts'
import { fileNames, loaderOf } from '../../bundle/bundle-plugin.ts'
import { entryUrl } from '../../bundle/entry-url.ts'

/** Creates the plugin for a pipeline in `folder`. The folders of the handlers belong to Fanmill and not to the user. */
export function assetPlugin(folder: string, handlerFolders: readonly string[]): Plugin {
  const library = fileURLToPath(new URL('./', entryUrl('index')))
  const isForeign = (path: string): boolean =>
    /[\\/]node_modules[\\/]/.test(path) || [library, ...handlerFolders].some(own => path.startsWith(own))
  return {
    name: 'fanmill-lambda-asset',
    setup(build) {
      build.onResolve({ filter: /^fanmill$/ }, () => ({ path: fileURLToPath(entryUrl('index')), sideEffects: false }))
      build.onLoad({ filter: /[\\/]bundle[\\/]entry-url\.[jt]s$/ }, ({ path }) =>
        path.startsWith(library) ? { contents: ownEntryUrl, loader: 'js' } : undefined,
      )
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => (isForeign(path) ? undefined : loadSource(path, folder)))
    },
  }
}

/** Replaces the module of the same name, because all outputs of the asset are in one folder. */
const ownEntryUrl = `export const entryUrl = entry => new URL('./' + entry + '.mjs', import.meta.url).href`

const importMetaPath = /\bimport\.meta\.(?:url|filename|dirname)\b/g

/** Replaces `import.meta.url` and its kind in the user's sources with a path beside the included files. */
async function loadSource(path: string, folder: string): Promise<OnLoadResult | undefined> {
  const source = await readFile(path, 'utf8')
  if (source.search(importMetaPath) < 0) return undefined
  const place = `./${assetNames.files}/${relative(folder, path).replaceAll('\\', '/').replaceAll('../', '')}`
  const url = `const __fanmillUrl=import.meta.resolve(${JSON.stringify(place)}),__fanmillFile=decodeURIComponent(new URL(__fanmillUrl).pathname),__fanmillFolder=__fanmillFile.slice(0,__fanmillFile.lastIndexOf('/'));`
  const contents = url + source.replace(/^#!/, '//').replace(importMetaPath, name => fileNames[name] ?? name)
  return { contents, loader: loaderOf(path) }
}
