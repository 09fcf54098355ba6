/** The size of slices over the rows of an exchange. */

/** Memory that rows take for a byte of an exchange's files, which is compressed. */
export const bytesInMemory = 4
/** Text that a slice comes near to: neighbouring small buckets are read together. */
export const sliceBytes: number = 32 * 2 ** 20
