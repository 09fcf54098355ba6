/** Colours on a terminal alone, or as the environment asks for them. */
import { expect, it } from 'vitest'
import { fanmill, folderOf } from '../fanmill.ts'

const sequence = '\u001b['

it('writes no colours into a pipe, and each message on one line', async () => {
  const { stdout, stderr } = await fanmill(['run', 'none.ts'], { cwd: folderOf({}) })
  expect(stdout + stderr).not.toContain(sequence)
  expect(stderr).toMatch(/^fanmill: [A-Z_]+ .+\n$/)
})

it('colours errors in a pipe with FORCE_COLOR, and never JSON', async () => {
  const cwd = folderOf({})
  const forced = await fanmill(['run', 'none.ts', '--json'], { cwd, env: { FORCE_COLOR: '1' } })
  expect(forced.stderr.replaceAll(sequence, '<')).toMatch(/^<31mfanmill: [A-Z_]+<39m /)
  expect(forced.stdout).not.toContain(sequence)
})
