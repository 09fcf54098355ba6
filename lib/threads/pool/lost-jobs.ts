/** Jobs that were abandoned with the memory that they use, and whose threads are still running: one list for the whole process. */
export const lostJobs: Set<object> = new Set()
