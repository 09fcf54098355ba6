/** The place that a staged text comes from. */
import type { RecordScan } from '../text/records/records.ts'

/** Archive, member and position that a text comes from. */
export interface Origin {
  readonly archive: string
  readonly member: string
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
  /** 1-based number of the first record; default 1. */
  readonly firstRecord?: number
  /** Set for a later piece of a member, which has no header of its own; empty for columns by position. */
  readonly header?: readonly string[]
  /** Set for text that was staged before: it is UTF-8 whatever the format's encoding, and lacks these lines. */
  readonly gaps?: readonly number[]
  readonly scan?: RecordScan
}
