/** Work that goes on together, and work that must be alone. */

export interface Gate {
  /** Beside others of its kind. */
  together<T>(work: () => Promise<T>): Promise<T>
  /** When all that goes on has ended; what comes meanwhile waits. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

/** Who wants to be alone goes first. Work must not enter the gate that it is in. */
export function createGate(): Gate {
  const going = new Set<Promise<unknown>>()
  /** Those that are alone, or wait for it. */
  let aloneCount = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    async together(work) {
      while (aloneCount > 0) await last
      return tracked(work(), going)
    },
    async alone(work) {
      aloneCount++
      const turn = last.then(() => Promise.allSettled(going)).then(work)
      last = turn.then(
        () => aloneCount--,
        () => aloneCount--,
      )
      return turn
    },
  }
}

function tracked<T>(promise: Promise<T>, going: Set<Promise<unknown>>): Promise<T> {
  going.add(promise)
  const forget = (): void => void going.delete(promise)
  promise.then(forget, forget)
  return promise
}
