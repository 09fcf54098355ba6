import { chmodSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lambdaBinding } from '../../lib/lambda/asset/binding.ts'
import { cleanState } from '../../lib/local/clean-state.ts'
import { compileCacheFolder } from '../../lib/threads/compile-cache.ts'

let caches: string

beforeEach(() => {
  caches = mkdtempSync(join(tmpdir(), 'fanmill-caches-'))
  vi.stubEnv('XDG_CACHE_HOME', caches)
  vi.stubEnv('NODE_COMPILE_CACHE', undefined)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('compiled code for later starts', () => {
  it('is in a folder that this user alone can use, and that clean removes', async () => {
    const folder = compileCacheFolder()
    expect(folder).toBe(join(caches, 'fanmill/compiled'))
    expect(statSync(folder!).mode & 0o777).toBe(0o700)
    await cleanState({ output: caches, dryRun: true })
    expect(existsSync(folder!)).toBe(true)
    await cleanState({ output: caches })
    expect(existsSync(folder!)).toBe(false)
  })

  it('is where NODE_COMPILE_CACHE says, which clean leaves', async () => {
    vi.stubEnv('NODE_COMPILE_CACHE', caches)
    expect(compileCacheFolder()).toBe(caches)
    await cleanState({ output: caches })
    expect(existsSync(caches)).toBe(true)
  })

  it('is not kept where others may write it, because it is run as it is', () => {
    chmodSync(compileCacheFolder()!, 0o777)
    expect(compileCacheFolder()).toBeUndefined()
  })

  it('is not kept where the folder cannot be made', () => {
    writeFileSync(join(caches, 'fanmill'), '')
    expect(compileCacheFolder()).toBeUndefined()
  })
})

describe('a binding that was fetched for the other architecture', () => {
  it('is not taken from a folder that others may write, because it is deployed as it is', async () => {
    const folder = join(caches, 'fanmill/bindings')
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o777)
    await expect(lambdaBinding(process.arch === 'arm64' ? 'x86_64' : 'arm64')).rejects.toMatchObject({
      code: 'DEFINITION_LOAD',
      message: expect.stringContaining(`${folder}, which others can; remove it`),
    })
  })
})
