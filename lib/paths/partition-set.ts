/** The partitions that all threads of a process have met in one run, so that their limit holds for all of them together. */

/** Shared memory: the count, then places for hashes, of which 0 is a free one. */
export type PartitionSet = SharedArrayBuffer

/** Above it the threads share no count, and commit alone adds up; 16 MiB of shared memory. */
const sharedMax = 2 ** 20

/** An empty set that can say when it holds more than `partitionsMax`; undefined for limits so high that sharing costs too much. */
export function createPartitionSet(partitionsMax: number): PartitionSet | undefined {
  if (partitionsMax > sharedMax) return undefined
  const places = 2 ** Math.ceil(Math.log2(2 * (partitionsMax + 2)))
  return new SharedArrayBuffer(8 * (1 + places))
}

/** Adds a partition by its hash and returns how many there are; from two thirds of its places on the set stays as it is. */
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
