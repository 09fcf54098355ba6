/** Recognises faults of a definition that only data shows, which the same definition would have again. */

/** Whether a batch that failed with this code fails again until the task is corrected. */
export const isDefinitionFault = (code: unknown): boolean =>
  typeof code === 'string' &&
  /^(?:DEFINITION|SQL)_|^(?:TRANSFORM_FAILED|SUM_OVERFLOW|TOO_MANY_PARTITIONS|PARTITION_TOO_LONG)$/.test(code)
