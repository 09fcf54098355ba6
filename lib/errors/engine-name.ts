/** Compares names of columns and tables as the engine does. */

/** Returns a name as the engine compares it: the case of ASCII letters does not count, `Ä` and `ä` are two names. */
export const engineName = (name: string): string => name.replace(/[A-Z]+/g, letters => letters.toLowerCase())

/** Whether two names are one for the engine. */
export const isSameName = (one: string, other: string): boolean => engineName(one) === engineName(other)
