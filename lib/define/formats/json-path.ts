/** Reads paths into JSON documents: `$.Records[*]`, `$['a b'].items[*]`. */

/** A key of an object, or all items of an array. */
export type JsonStep = { readonly key: string } | '*'

/** Returns the steps of a path; undefined for a text that is no path of keys and `[*]`. */
export function readJsonPath(path: string): readonly JsonStep[] | undefined {
  if (!path.startsWith('$')) return undefined
  const steps: JsonStep[] = []
  const pattern = /\[\*\]|\.([\p{L}\p{N}_$@-]+)|\['((?:[^'\\]|\\.)*)'\]/uy
  pattern.lastIndex = 1
  while (pattern.lastIndex < path.length) {
    const found = pattern.exec(path)
    if (!found) return undefined
    const [whole, plain, quoted] = found
    steps.push(whole === '[*]' ? '*' : { key: plain ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1') })
  }
  return steps
}
