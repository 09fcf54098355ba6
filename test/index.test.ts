/** Names that users can import. */
import { describe, expect, expectTypeOf, it } from 'vitest'
import * as fanmill from '../lib/index.ts'

it('lets callers tell failures apart by their classes', async () => {
  const { FanmillError, PermanentError, run } = fanmill
  const failing = run('absent.ts')
  await expect(failing).rejects.toBeInstanceOf(PermanentError)
  await expect(failing).rejects.toBeInstanceOf(FanmillError)
})

it('refuses an option that it does not know, before anything begins', async () => {
  const options = { outptu: 'out' } as fanmill.RunOptions
  await expect(fanmill.run('absent.ts', options)).rejects.toMatchObject({
    code: 'USAGE',
    message: 'run: outptu: unknown option, did you mean output',
  })
})

it('names the types of what is given to users', () => {
  expectTypeOf<fanmill.RunResult['tasks'][number]>().toEqualTypeOf<fanmill.TaskResult>()
  expectTypeOf<fanmill.RunResult['error']>().toEqualTypeOf<fanmill.FanmillError | undefined>()
  expectTypeOf<Parameters<NonNullable<fanmill.RunOptions['onEvent']>>[0]>().toEqualTypeOf<fanmill.RunEvent>()
  expectTypeOf<fanmill.Dataset['manifest']>().toEqualTypeOf<fanmill.Manifest>()
  expectTypeOf<ReturnType<fanmill.SetupContext<unknown>['file']>>().toEqualTypeOf<fanmill.UserFile>()
})

describe('every function', () => {
  it.each([
    ['plan', () => fanmill.plan('absent.ts', misspelt)],
    ['status', () => fanmill.status(misspelt)],
    ['runs', () => fanmill.runs(misspelt)],
    ['rejects', () => fanmill.rejects(misspelt)],
    ['clean', () => fanmill.clean(misspelt)],
    ['unzip', () => fanmill.unzip('absent.zip', 'out', misspelt)],
    ['infer', () => fanmill.infer('absent.zip', misspelt)],
    ['parallelMap', () => fanmill.parallelMap([1], Math.sqrt, misspelt as never)],
    ['openDataset', () => fanmill.openDataset('out/absent', misspelt)],
  ])('refuses an option that %s does not know, before anything begins', async (name, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(`^${name}: worker: unknown`),
    })
  })
})

const misspelt = { worker: 2 } as object
