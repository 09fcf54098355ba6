/** A fault in compressed data, with a code as zlib has it: `Z_BUF_ERROR` for data that is cut short, `Z_DATA_ERROR` for damaged data. */
export class InflateError extends Error {
  readonly code: 'Z_BUF_ERROR' | 'Z_DATA_ERROR'

  constructor(code: 'Z_BUF_ERROR' | 'Z_DATA_ERROR', message: string) {
    super(message)
    this.code = code
  }
}
