import { describe, expect, it } from 'vitest'
import { csv } from '../../../lib/define/index.ts'
import type { FieldKind } from '../../../lib/text/columns/field-kind.ts'
import { PlainColumns } from '../../../lib/text/columns/plain-columns.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'

const int64: FieldKind = { kind: 'int64', least: -(2n ** 63n), most: 2n ** 63n - 1n }
const integer: FieldKind = { kind: 'int32', least: -(2n ** 31n), most: 2n ** 31n - 1n, wider: int64 }

const lookAt = (
  texts: readonly string[],
  fields: readonly (FieldKind | undefined)[],
  newline: 'lf' | 'crlf' = 'lf',
) => {
  const plain = new PlainColumns({ dialect: dialectOf(csv()), newline, nulls: [''], fields })
  for (const text of texts) plain.add(Buffer.from(text))
  return plain.columns
}

describe('the plain columns of texts', () => {
  it('are those whose fields all are, null or written as their kind', () => {
    const fields: readonly (FieldKind | undefined)[] = [
      integer,
      { kind: 'date' },
      { kind: 'text' },
      undefined,
      { kind: 'boolean' },
    ]
    expect(lookAt(['1,2024-01-31,x,5,true\n,,,,\n'], fields)).toEqual([true, true, false, false, true])
    expect(lookAt(['1,2024-01-31,x,5,true\n', '1,x,x,5,1'], fields)).toEqual([true, false, false, false, false])
  })

  it('are also those with a wider kind from some text on', () => {
    expect(lookAt(['1\n', '2147483648\n', '1\n'], [integer])).toEqual([true])
    expect(lookAt(['1\n', '9223372036854775808\n', '1\n'], [integer])).toEqual([false])
  })

  it('are found in texts longer than a window, also in the last one', () => {
    const long = '1,2024-01-31\r\n'.repeat(30_000)
    expect(lookAt([long, `${long}1,x\r\n`], [integer, { kind: 'date' }], 'crlf')).toEqual([true, false])
  })

  it.each(['1,a"b\n1,2\n', '"1"x,2\n', '1,"open\n', ' "1",2\n', '1\n', '1,2,3\n', '1,2\r\n'])(
    'are unknown where records are not plain: %j',
    text => {
      expect(lookAt([text, '1,2\n'], [integer, integer])).toEqual([false, false])
    },
  )

  it('are unknown once they were given up', () => {
    const plain = new PlainColumns({ dialect: dialectOf(csv()), newline: 'lf', nulls: [], fields: [integer] })
    plain.add(Buffer.from('1\n'))
    expect(plain.columns).toEqual([true])
    plain.giveUp()
    plain.add(Buffer.from('1\n'))
    expect(plain.columns).toEqual([false])
  })
})
