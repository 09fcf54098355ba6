/** Lets work run at the same time, or one piece of work while nothing else runs. */

/** Not re-entrant: work must not enter the gate that it runs in. */
export interface Gate {
  /** Runs work beside other shared work. */
  shared<T>(work: () => Promise<T>): Promise<T>
  /** Runs work when all other work has ended; work that comes meanwhile waits. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  /** Lets exclusive work wait for something that shared work leaves behind; called before that work has ended. */
  hold(rest: Promise<unknown>): void
}

/** Creates a gate that serves exclusive work before waiting shared work. */
export function createGate(): Gate {
  const running = new Set<Promise<unknown>>()
  /** Exclusive work that runs or waits. */
  let exclusiveCount = 0
  let last: Promise<unknown> = Promise.resolve()
  const allEnded = async (): Promise<void> => {
    // Work that ends may leave a rest, which is added meanwhile.
    while (running.size > 0) await Promise.allSettled(running)
  }
  return {
    async shared(work) {
      while (exclusiveCount > 0) await last
      return tracked(work(), running)
    },
    async exclusive(work) {
      exclusiveCount++
      const turn = last.then(allEnded).then(work)
      last = turn.then(
        () => exclusiveCount--,
        () => exclusiveCount--,
      )
      return turn
    },
    hold(rest) {
      tracked(rest, running)
    },
  }
}

function tracked<T>(promise: Promise<T>, running: Set<Promise<unknown>>): Promise<T> {
  running.add(promise)
  const forget = (): void => void running.delete(promise)
  promise.then(forget, forget)
  return promise
}
