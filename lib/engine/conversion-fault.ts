/** Faults of a conversion: which of them bad input may have caused, and what they mean to the user. */
import { engineFault } from '../duckdb/engine.ts'
import { CapacityError, FanmillError, PermanentError } from '../errors/errors.ts'
import type { Conversion } from './conversion.ts'
import { overflowIn, varianceAdvice } from './keyed/measure-overflow.ts'
import { overflowMark } from './keyed/measure-sql.ts'

/** The error as Fanmill's, with what the conversion knows about its cause. */
export function conversionFault(error: unknown, conversion: Conversion): Error {
  if (error instanceof FanmillError) return error
  const fault = engineFault(error)
  if (!(fault instanceof FanmillError)) return fault
  if (fault.code === 'OUT_OF_MEMORY') return withColumns(withPartitions(fault, conversion), conversion)
  const words = `${fault.message} ${fault.detail.received}`
  const [, type, column] = new RegExp(`${overflowMark}(\\S+) ([^\\n]*)`).exec(words) ?? []
  if (type !== undefined && column !== undefined) return sumOverflow(column, type, error)
  const overflow = overflowIn(conversion.transform, words)
  // A statement that may have failed instead has its record found first.
  if (overflow && !hasSql(conversion)) return new PermanentError('SUM_OVERFLOW', overflow, {}, { cause: error })
  return /(negative|unfit) intervals/.test(words) ? unfitInterval(conversion, error) : fault
}

/** Each partition has its own buffers: many of them are a likelier cause than too little memory. */
function withPartitions(fault: FanmillError, { keys, parts }: Conversion): FanmillError {
  const partitions = keys?.met.length ?? 0
  if (partitions < 100) return fault
  const message = `${fault.message}; or partition by something coarser than ${parts.partitionBy.join(', ')}, which gives ${partitions} partitions here`
  return new CapacityError(fault.code, message, { ...fault.detail, partitions }, { cause: fault.cause })
}

/** Memory of an engine that a declared column takes while text is read: vectors of 2,048 texts and values, and the writer's pages. */
const columnKib = 150
/** Fewer columns are not what an engine runs out of memory for. */
const manyColumns = 500

/** Vectors have the same size for any number of rows, so that no smaller share of the text would fit. */
function withColumns(fault: FanmillError, { read }: Conversion): FanmillError {
  const columns = Object.keys(read.columns).length
  if (columns < manyColumns) return fault
  const neededMb = Math.ceil((columns * columnKib * 1024) / 1e6)
  const message = `${fault.message}; or declare fewer columns: the ${columns.toLocaleString('en-US')} of this task take about ${neededMb} MB in the engine of each worker`
  return new CapacityError(fault.code, message, { ...fault.detail, columns, neededMb }, { cause: fault.cause })
}

const hasSql = ({ transform }: Pick<Conversion, 'transform'>): boolean =>
  transform.steps.some(({ step }) => step.kind === 'sql')

function sumOverflow(column: string, type: string, cause: unknown): PermanentError {
  if (type === 'variance')
    return new PermanentError('SUM_OVERFLOW', `measure ${column}: ${varianceAdvice}`, { column }, { cause })
  const what =
    type === 'int64' ? 'an int64 holds, got one beyond 9,223,372,036,854,775,807' : `${type} holds exactly, got another`
  const message = `column ${column}: expected a sum that ${what}; set its type: sum(column, { as: column.decimal(38, 0) })`
  return new PermanentError('SUM_OVERFLOW', message, { column }, { cause })
}

function unfitInterval({ transform }: Conversion, cause: unknown): PermanentError {
  const columns = transform.schema.filter(({ type }) => String(type).includes('INTERVAL')).map(({ name }) => name)
  const message = `column ${columns.join(' or ')}: expected an interval of whole milliseconds that is not negative, of at most 1,192 hours beside days and months, as Parquet has no others, got another; cast it to text, or to a number with epoch(), in the transform`
  return new PermanentError('TRANSFORM_FAILED', message, { columns }, { cause })
}

/**
 * Whether a text may be the cause of an engine's fault, for instance a record longer than a buffer. Only a careful
 * conversion shows whether it was.
 */
export const isMisfitFault = ({ message }: FanmillError): boolean =>
  /^(Conversion|Invalid Input|Out of Range|Invalid) Error|^Not implemented Error: The Parallel CSV Reader/.test(message)

/** The fault of a careful conversion. Every row that it reads fits, so that a statement of the user's failed. */
export function transformFault({ transform }: Conversion, fault: FanmillError): FanmillError {
  if (!hasSql({ transform })) return fault
  const { message, detail, cause } = fault
  const overflow = overflowIn(transform, `${message} ${detail.received}`)
  const next = overflow
    ? `; or ${overflow}`
    : message.startsWith('Conversion')
      ? '; use try_cast, or leave out rows whose value does not fit'
      : ''
  return new PermanentError('TRANSFORM_FAILED', `the transform's SQL failed: ${message}${next}`, detail, { cause })
}

/** The error of a function that rejects a row after the rejects were collected and their records left out. */
export const unsteadyRejects = (): PermanentError =>
  new PermanentError(
    'TRANSFORM_FAILED',
    'expected functions to reject the same rows each time that they are called, got a reject of a row that passed before; decide by the row alone, not by rows before it',
  )

/** The error of a function that rejects a row after an exchange. */
export const noRecord = (cause: Error): PermanentError =>
  new PermanentError(
    'TRANSFORM_FAILED',
    `expected no reject after an exchange, where a row is of no record, got one; reject rows in a step before the exchange, or drop them`,
    { received: cause.message },
    { cause },
  )
