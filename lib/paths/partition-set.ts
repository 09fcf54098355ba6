/** Collects the partitions that all threads of a process find in one run, so that the limit holds for all of them together. */

/** Shared memory: the count, then places for hashes; 0 marks a free place. */
export type PartitionSet = SharedArrayBuffer

/** The highest limit for which threads share a set, in 16 MiB; above it only commit counts all partitions. */
const sharedMax = 2 ** 20

/** Returns an empty set with room for more than `partitionsMax` partitions; undefined for limits so high that sharing costs too much. */
export function createPartitionSet(partitionsMax: number): PartitionSet | undefined {
  if (partitionsMax > sharedMax) return undefined
  const places = 2 ** Math.ceil(Math.log2(2 * (partitionsMax + 2)))
  return new SharedArrayBuffer(8 * (1 + places))
}

/** Adds a partition by its hash and returns the count. A set with two thirds of its places taken does not change any more. */
export function addPartition(set: PartitionSet, low: number, high: number): number {
  const cells = new BigInt64Array(set)
  const places = cells.length - 1
  const hash = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)) || 1n
  const count = Number(Atomics.load(cells, 0))
  if (3 * count > 2 * places) return count
  for (let step = 0; ; step++) {
    const found = Atomics.compareExchange(cells, 1 + ((low + step) % places), 0n, hash)
    if (found === 0n) return Number(Atomics.add(cells, 0, 1n)) + 1
    if (found === hash) return Number(Atomics.load(cells, 0))
  }
}
