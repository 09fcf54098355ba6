/** Copies a page of the documentation to another place. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Links to files that only the repository has become text. `pages` are the paths of those that are there, from `root`. */
export function copyPage(
  page: string,
  { root, pages, to }: { root: string; pages: readonly string[]; to: string },
): void {
  const text = readFileSync(join(root, page), 'utf8')
    .replaceAll(/ \(\[kept by\]\([^)]+\)\)/g, '')
    .replaceAll(/\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)/g, (link, name, target) => {
      if (/^https?:/.test(target) || pages.includes(join(dirname(page), target))) return link
      return name
    })
  mkdirSync(dirname(join(to, page)), { recursive: true })
  writeFileSync(join(to, page), text)
}
