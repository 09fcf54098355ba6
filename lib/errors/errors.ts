/** The kinds of errors, by what the caller can do about them, and their codes. */

/** Codes of errors. Adding one is free; renaming one breaks callers who match on it. */
export type ErrorCode =
  // definitions, arguments, configuration
  | 'DEFINITION_INVALID'
  | 'DEFINITION_LOAD'
  | 'USAGE'
  | 'PARAM_INVALID'
  | 'SQL_INVALID'
  | 'SQL_NOT_ROWWISE'
  | 'OUTPUT_AMBIGUOUS'
  | 'GRAPH_CYCLE'
  | 'GRAPH_TOO_LARGE'
  | 'PARAM_UNBOUND'
  | 'PARAM_CONFLICT'
  | 'TASK_UNKNOWN'
  | 'COLUMNS_MISSING'
  | 'SECRET_MISSING'
  // inputs
  | 'NO_INPUT'
  | 'INPUT_CHANGED'
  | 'INPUT_INVALID'
  | 'INPUT_IS_OUTPUT'
  | 'INPUT_ENCODING'
  | 'TABLE_TOO_LARGE'
  | 'INPUT_ALREADY_APPENDED'
  | 'MEMBER_TOO_LONG'
  | 'ZIP_NO_DIRECTORY'
  | 'ZIP_BAD_DIRECTORY'
  | 'ZIP_BAD_MEMBER'
  | 'ZIP_CRC_MISMATCH'
  | 'ZIP_SIZE_MISMATCH'
  | 'ZIP_ENCRYPTED'
  | 'ZIP_METHOD_UNSUPPORTED'
  | 'ZIP_UNSAFE_NAME'
  | 'ZIP_DUPLICATE_NAME'
  | 'ZIP_OVERLAP'
  | 'ZIP_LIMIT'
  | 'TAR_DAMAGED'
  | 'TAR_BAD_MEMBER'
  // rows
  | 'COLUMN_MISSING'
  | 'COLUMN_NEW'
  | 'REJECTS_OVER_LIMIT'
  | 'ACCOUNT_MISMATCH'
  | 'TOO_MANY_PARTITIONS'
  | 'PARTITION_TOO_LONG'
  | 'SOURCE_FAILED'
  | 'TRANSFORM_FAILED'
  | 'SUM_OVERFLOW'
  | 'BUCKET_TOO_LARGE'
  // outputs and the protocol
  | 'SINK_FAILED'
  | 'OUTPUT_LOCKED'
  | 'OUTPUT_UNSETTLED'
  | 'OUTPUT_NOT_OURS'
  | 'OUTPUT_EXISTS'
  | 'OUTPUT_MISSING'
  | 'OUTPUT_OTHER_FILE_SYSTEM'
  | 'OUTPUT_READ_ONLY'
  | 'OUTPUT_SCHEMA_MISMATCH'
  | 'DELTA_INVALID'
  | 'DELTA_UNSUPPORTED'
  | 'DELTA_CONFLICT'
  | 'PARTS_LOST'
  | 'SUPERSEDED'
  | 'DATASET_MISSING'
  | 'DATASET_DAMAGED'
  | 'DATASET_REPLACED'
  | 'STATE_INVALID'
  | 'RUN_UNKNOWN'
  | 'RUN_ACTIVE'
  | 'RUN_COMPLETE'
  | 'RUN_CHANGED'
  // what is deployed
  | 'STACK_UNKNOWN'
  | 'EXECUTION_UNKNOWN'
  | 'EXECUTION_FAILED'
  | 'SHIP_NOT_ALLOWED'
  | 'SHIP_NEEDS_DEPLOYMENT'
  | 'SHIP_DAMAGED'
  | 'AWS_REFUSED'
  | 'AWS_FAILED'
  // the machine
  | 'STORE_FAILED'
  | 'DISK_FULL'
  | 'ENGINE_FAILED'
  | 'WORKER_DIED'
  | 'OUT_OF_MEMORY'
  | 'OUT_OF_TIME'
  | 'ABORTED'
  | 'BATCHES_FAILED'
  | 'NODE_LOST'
  // programs and services
  | 'PROGRAM_FAILED'
  | 'CALL_FAILED'
  | 'STAND_IN_MISSING'

export type ErrorDetail = Readonly<Record<string, unknown>>

/**
 * An error with a stable `code`, the facts in `detail` (JSON), and a message that ends with what to do. Values of rows are in
 * `detail.received` and in `detail.rejects` only, never in the message, because logs and state machines show messages.
 */
export class FanmillError extends Error {
  override readonly name: string = 'FanmillError'
  readonly code: ErrorCode
  readonly detail: ErrorDetail

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.detail = detail
  }
}

/** A bad input, a bad definition or a broken assumption: another try cannot help. */
export class PermanentError extends FanmillError {
  override readonly name = 'PermanentError'
}

/** A temporary fault: the same call may succeed later. */
export class TransientError extends FanmillError {
  override readonly name = 'TransientError'
}

/** Too little memory, time or disk: a larger machine may succeed. */
export class CapacityError extends FanmillError {
  override readonly name = 'CapacityError'
}

/** Returns an error of the same class with `place: ` before its message and more facts in its detail. */
export function prefixError(error: FanmillError, place: string, detail: ErrorDetail): FanmillError {
  const Kind = error.constructor as typeof FanmillError
  return new Kind(error.code, `${place}: ${error.message}`, { ...error.detail, ...detail }, { cause: error })
}

/** An error as JSON, for threads, state files and events: cloning an Error would lose its name, code and fields. */
export interface PlainError {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly detail?: ErrorDetail
  readonly stack?: string
  readonly cause?: PlainError
}

/** Returns the JSON form of anything that was thrown. */
export function toPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack, cause } = error
  const { code, detail } = error as Partial<FanmillError>
  return { name, message, code, detail: asJson(detail), stack, cause: cause === undefined ? undefined : toPlain(cause) }
}

/** Returns facts as JSON holds them: those that a program adds to its errors may be functions, or circular. */
function asJson(detail: ErrorDetail | undefined): ErrorDetail | undefined {
  try {
    const text = JSON.stringify(detail, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const kinds = { PermanentError, TransientError, CapacityError, FanmillError } as const

/** Returns the error of a JSON form, with its class, code, detail and stack. */
export function fromPlain(plain: PlainError): Error {
  const options = plain.cause === undefined ? {} : { cause: fromPlain(plain.cause) }
  const Kind = kinds[plain.name as keyof typeof kinds]
  const error =
    Kind && plain.code ? new Kind(plain.code, plain.message, plain.detail, options) : new Error(plain.message, options)
  if (plain.stack !== undefined) error.stack = plain.stack
  if (!Kind) Object.defineProperty(error, 'name', { value: plain.name, configurable: true })
  return error
}

/** Returns the class that says what to do about an error: permanent for all that is no error of Fanmill. */
export function classOf(error: unknown): typeof PermanentError | typeof TransientError | typeof CapacityError {
  if (error instanceof CapacityError) return CapacityError
  return error instanceof TransientError ? TransientError : PermanentError
}
