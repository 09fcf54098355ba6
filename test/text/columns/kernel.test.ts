import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fieldsKernelFile, fieldsSourceHash } from '../../../scripts/build-fields.ts'

describe('the kernel that parses fields', () => {
  it('is compiled from its source', () => {
    expect(readFileSync(fieldsKernelFile, 'utf8')).toContain(`Hash of the sources: ${fieldsSourceHash()}\n`)
  })
})
