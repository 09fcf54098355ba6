type Settled<T> = { -readonly [K in keyof T]: Awaited<T[K]> }

/** Waits for all promises before it throws the first failure, so that no work continues in folders that are removed then. */
export async function settleAll<const T extends readonly unknown[]>(promises: T): Promise<Settled<T>> {
  const settled = await Promise.allSettled(promises)
  return settled.map(each => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  }) as Settled<T>
}
