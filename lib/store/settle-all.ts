/** Waits for all promises before it throws the first failure, so that no work continues in folders that are removed then. */
export async function settleAll<T>(promises: readonly (T | Promise<T>)[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises)
  return settled.map(each => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}
