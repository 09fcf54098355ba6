/** Python with the peers' pinned packages, in a cache folder of the user. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const requirements = fileURLToPath(new URL('peers/requirements.txt', import.meta.url))
const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), `fanmill/peers-${hash}`)

/** The interpreter; `installPeers` makes it. */
export const peersPython = (): string => join(folder, 'bin/python')

/** Creates the environment once, with packages from PyPI. */
export function installPeers(): void {
  const done = join(folder, 'installed')
  if (existsSync(done)) return
  rmSync(folder, { recursive: true, force: true })
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(peersPython(), ['-m', 'pip', 'install', '--quiet', '-r', requirements], { stdio: 'inherit' })
  writeFileSync(done, '')
}
