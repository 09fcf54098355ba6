/** Reports how far `infer` is. */
export interface InferProgress {
  readonly phase: 'read' | 'find' | 'check'
  /** Samples read, or columns found. */
  readonly done: number
  readonly total: number
}
