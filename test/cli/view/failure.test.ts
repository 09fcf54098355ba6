/** How a failure is shown, and which advice it ends with. */
import { expect, it, vi } from 'vitest'
import { explain } from '../../../lib/cli/view/failure.ts'
import { PermanentError } from '../../../lib/errors/errors.ts'

it.each([
  ['ZIP_CRC_MISMATCH', true, 'x; fanmill retry repeats only the batches that failed'],
  ['ZIP_CRC_MISMATCH', false, 'x'],
  ['TRANSFORM_FAILED', true, 'x'],
])('after batches failed with %s (deployed: %s), advises what helps', async (code, isDeployed, line) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const failures = [{ batch: 0, code, message: 'y' }]
    await explain(new PermanentError('BATCHES_FAILED', 'x', { failures }), { isDeployed })
    expect(write.mock.calls.map(([text]) => text)[0]).toContain(`BATCHES_FAILED ${line}\n`)
  } finally {
    write.mockRestore()
  }
})
