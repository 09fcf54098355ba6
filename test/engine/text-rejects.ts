/** Texts of two columns, converted, and their rejects as short lines. */
import type { Format } from '../../lib/define/definition.ts'
import { column, csv, zipMembers } from '../../lib/define/index.ts'
import { type ConversionResult, convertTask, type Inputs, type TestTaskOptions, taskOf } from './converting.ts'

export const columns = { a: column.int32(), b: column.string() }
export const inZip = (format: Format = csv()) => zipMembers({ paths: '*.zip', format })

export const convertTexts = (inputs: Inputs, options: TestTaskOptions = {}): Promise<ConversionResult> =>
  convertTask(taskOf({ columns, ...options }), { inputs })

/** A reject as archive/member:line#record column: expected, received. */
export const shown = ({ rejects }: ConversionResult): string[] =>
  rejects.map(
    each =>
      `${each.archive}/${each.member}:${each.line}#${each.record} ${each.column}: ${each.expected}, ${each.received}`,
  )
