/** Texts of columns that say a format: what each is read as, and which are rejects. */
import { column } from '../../lib/define/index.ts'
import type { TextCase } from './text-cases.ts'

export const formatCases: readonly TextCase[] = [
  {
    name: 'date with a format',
    column: column.date({ format: '%d/%m/%Y' }),
    accepts: { '03/02/2001': '2001-02-03', '': null },
    refuses: ['30/02/2001', '2001-02-03', '03/02/2001x', '""'],
    expected: 'date as %d/%m/%Y',
  },
  {
    name: 'timestamp with a format',
    column: column.timestamp({ format: '%m/%d/%y %I:%M %p' }),
    accepts: { '02/03/01 04:05 PM': '2001-02-03 16:05:00' },
    refuses: ['02/03/01 16:05 XM', '02/03/01'],
    expected: 'timestamp as %m/%d/%y %I:%M %p',
  },
  {
    name: 'time with a format',
    column: column.time({ format: '%H%M' }),
    accepts: { '0405': '04:05:00' },
    refuses: ['2500', '04:05'],
    expected: 'time as %H%M',
  },
  {
    name: 'required date with a format',
    column: column.date({ required: true, format: '%Y%m%d' }),
    accepts: { '20010203': '2001-02-03' },
    refuses: ['', '2001'],
    expected: 'required date as %Y%m%d',
  },
  {
    name: 'date with a format that has a time',
    column: column.date({ format: '%d/%m/%Y %H:%M' }),
    accepts: { '03/02/2001 00:00': '2001-02-03', '03/02/0099 0:0': '0099-02-03' },
    refuses: ['03/02/2001 10:30', '03/02/01 00:00', '03/02/2001'],
    expected: 'date as %d/%m/%Y %H:%M',
  },
  {
    name: 'timestamp with a year of four digits',
    column: column.timestamp({ format: '%d.%m.%Y %H%M' }),
    accepts: { '03.02.2001 1030': '2001-02-03 10:30:00' },
    refuses: ['03.02.24 1030', '03.02.1 0930'],
    expected: 'timestamp as %d.%m.%Y %H%M',
  },
  {
    name: 'lenient date with a format',
    column: column.date({ format: '%d/%m/%Y %H:%M' }),
    strict: false,
    accepts: { '03/02/2001 10:30': '2001-02-03', '03/02/24 00:00': '0024-02-03' },
  },
]
