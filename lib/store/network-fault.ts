/** Recognises network errors, which are transient, for every service of AWS. */

/** Returns the system's code of an error, else its name. */
export const codeOf = (error: Error): string => String((error as { readonly code?: unknown }).code ?? error.name)

/** Returns whether a request failed without an answer: the name did not resolve, or the connection was refused, reset or broken off. */
export const isNetworkFault = (error: Error): boolean =>
  /^(E(?!RR_)[A-Z_]+|ERR_STREAM\w*|ERR_SSL\w*|HPE_\w+|UND_\w+)$/.test(codeOf(error)) || error.message === 'aborted'

/** Returns the HTTP status of the answer; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode
}
