/** Which faults are the network's, and so may pass: the same for every service of AWS. */

/** What a fault is told apart by: the system's code, else its name. */
export const codeOf = (error: Error): string => String((error as { readonly code?: unknown }).code ?? error.name)

/** Of an error without an answer: names that do not resolve, connections refused, reset or broken off. */
export const isNetworkFault = (error: Error): boolean =>
  /^(E(?!RR_)[A-Z_]+|ERR_STREAM\w*|ERR_SSL\w*|HPE_\w+|UND_\w+)$/.test(codeOf(error)) || error.message === 'aborted'
