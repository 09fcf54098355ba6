/** Ctrl-C, as processes see it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'

const interruptUrl = new URL('../../lib/cli/interrupt.ts', import.meta.url).href

/** A process whose work ends with exit 130 when the signal says so, or never. */
function startWork(work: 'orderly' | 'stuck') {
  const script = `
    import { withInterrupt } from ${JSON.stringify(interruptUrl)}
    const alive = setInterval(() => {}, 1000)
    await withInterrupt(signal => new Promise(resolve => {
      console.log('ready')
      if (${JSON.stringify(work)} === 'orderly') signal.addEventListener('abort', () => resolve(process.exitCode = 130))
    }))
    clearInterval(alive)`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
}

it.each(['SIGINT', 'SIGTERM'] as const)('ends the work in order on %s', async name => {
  const child = startWork('orderly')
  await once(child.stdout, 'data')
  child.kill(name)
  expect(await once(child, 'close')).toEqual([130, null])
})

it('counts signals that follow at once as the same Ctrl-C, and ends at once on a later one', async () => {
  const child = startWork('stuck')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  await once(child.stderr, 'data')
  child.kill('SIGINT')
  expect(child.exitCode ?? child.signalCode).toBeNull()
  const closed = once(child, 'close')
  while (child.signalCode === null && child.exitCode === null) {
    await delay(50)
    child.kill('SIGINT')
  }
  // Ended by a signal, which a shell shows as 130.
  expect(await closed).toEqual([null, 'SIGINT'])
})

it('ends work that hangs after five seconds', async () => {
  const child = startWork('stuck')
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([null, 'SIGINT'])
})
