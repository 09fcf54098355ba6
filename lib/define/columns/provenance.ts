/** Lists the columns about a row's origin, which the option `provenance` adds. */

/** The columns about the row's place; then those about its run: its id, and when it began. */
export const placeColumns = ['_archive', '_member', '_line'] as const
const runColumns = ['_run', '_loaded_at'] as const

export type ProvenanceColumn = (typeof placeColumns)[number] | (typeof runColumns)[number]

export const provenanceColumns: readonly ProvenanceColumn[] = [...placeColumns, ...runColumns]

/** Returns whether one of the columns needs a row's member and line. The text is then staged with them. */
export const needsPlaces = (provenance: readonly string[]): boolean =>
  provenance.some(name => (placeColumns as readonly string[]).includes(name))

/** Returns whether one of the columns needs the run. */
export const needsRun = (provenance: readonly string[]): boolean =>
  provenance.some(name => (runColumns as readonly string[]).includes(name))
