/** Makes several calls at once, and returns their results in order. */

export interface OrderedCallsOptions<Value, Result> {
  /** `lane` is a number below `concurrency`: the calls of one lane are made one after another. `onPromise` says that the function is async. */
  call(value: Value, lane: number, onPromise: () => void): Promise<Result>
  /** Calls in flight at once, where the function is async; others block their thread, and are made one by one. */
  readonly concurrency: number
}

export interface OrderedCalls<Result> {
  /** Returns the result of the next value. @throws what its call throws */
  next(): Promise<Result>
  /** Starts no further call, and waits for those in flight. */
  end(): Promise<void>
}

/** Results that wait for a slow value before them, for each call in flight. */
const waitingPerCall = 16

/** Starts the first call at once, and more when it shows that the function is async. Memory: 16 results for each call in flight. */
export function callInOrder<Value, Result>(
  values: readonly Value[],
  { call, concurrency }: OrderedCallsOptions<Value, Result>,
): OrderedCalls<Result> {
  const calls: Promise<Result>[] = []
  const freeLanes = [0]
  let started = 0
  let isAsync = false
  let isEnded = false
  const startCalls = (): void => {
    while (!isEnded && started < values.length && calls.length < waitingPerCall * concurrency) {
      const lane = freeLanes.shift()
      if (lane === undefined) return
      const result = call(values[started++] as Value, lane, onPromise)
      calls.push(result)
      result.then(() => endCall(lane), endFailedCall)
    }
  }
  const onPromise = (): void => {
    if (isAsync) return
    isAsync = true
    for (let lane = 1; lane < concurrency; lane++) freeLanes.push(lane)
    startCalls()
  }
  const endCall = (lane: number): void => {
    freeLanes.push(lane)
    startCalls()
  }
  // The error is thrown when its result is requested; no further call begins until then.
  const endFailedCall = (): void => {
    isEnded = true
  }
  startCalls()
  return {
    async next() {
      const [first] = calls
      if (!first) throw new RangeError('there is no further value')
      const result = await first
      calls.shift()
      startCalls()
      return result
    },
    async end() {
      isEnded = true
      await Promise.allSettled(calls)
    },
  }
}
