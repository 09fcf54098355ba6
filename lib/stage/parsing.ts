/** Tells a stage how its texts are parsed. */
import type { FieldKind } from '../text/columns/field-kind.ts'

/** How the texts of a stage are parsed. */
export interface Parsing {
  /** Texts that are null where they stand without quotes. */
  readonly nulls: readonly string[]
  /** Whether texts that are left to the engine are looked at, to learn which of their columns are plain. */
  readonly looksAtTexts: boolean
  /** Returns the kind of each field of a record under this header; undefined for fields that are not read. */
  fieldsOf(header: readonly string[]): readonly (FieldKind | undefined)[]
}
