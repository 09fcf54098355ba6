/** The id by which an execution owns a run: its ARN, in a graph followed by `#` and the key of the node. */

/** Returns the execution in the id of an owner. */
export const executionIn = (ownerId: string): string => ownerId.split('#', 1)[0] ?? ownerId
