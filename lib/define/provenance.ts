/** Columns that say where a row comes from, which a task asks for with `provenance`. */

/** Names of their input; then those of their run: its id, and when it began. */
export const placeColumns = ['_archive', '_member', '_line'] as const
const runColumns = ['_run', '_loaded_at'] as const

export type ProvenanceColumn = (typeof placeColumns)[number] | (typeof runColumns)[number]

export const provenanceColumns: readonly ProvenanceColumn[] = [...placeColumns, ...runColumns]

/** Whether a row's member and line are needed for one of the columns: the text is then staged with them. */
export const needsPlaces = (provenance: readonly string[]): boolean =>
  provenance.some(name => (placeColumns as readonly string[]).includes(name))

/** Whether the run is needed for one of the columns. */
export const needsRun = (provenance: readonly string[]): boolean =>
  provenance.some(name => (runColumns as readonly string[]).includes(name))
