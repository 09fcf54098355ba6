/** Lets threads and pipelines load the compiled library of `compiled-folder.ts`. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inject, vi } from 'vitest'
import type { Entry } from '../lib/bundle/entry-url.ts'

vi.mock('../lib/bundle/entry-url.ts', () => ({
  entryUrl: (entry: Entry) => pathToFileURL(join(inject('compiledFolder'), `lib/${entry}.js`)).href,
}))
