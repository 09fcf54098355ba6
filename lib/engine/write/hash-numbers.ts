/** Numbers 64-bit hashes in the order of their first appearance, without allocating an object for each. */
export class HashNumbers {
  #low = new Int32Array(64)
  #high = new Int32Array(64)
  /** The number plus one, because 0 marks a free place. */
  #number = new Int32Array(64)
  #count = 0

  get count(): number {
    return this.#count
  }

  /**
   * Writes the numbers of all hashes to `out`. `onNew` is called for each that is new, before it has a number. `words` are the halves of
   * each hash, low before high; as signed numbers they are never boxed.
   */
  number(words: Int32Array, out: Int32Array, onNew?: (low: number, high: number, row: number) => void): void {
    for (let row = this.#numberKnown(words, out); row < out.length; row = this.#numberKnown(words, out, row)) {
      const [low, high] = [words[2 * row] as number, words[2 * row + 1] as number]
      onNew?.(low, high, row)
      this.#add(low, high)
    }
  }

  /** Writes the numbers of hashes from index `start` on. Returns the index of the first hash that is new, or the length of `out`. */
  #numberKnown(words: Int32Array, out: Int32Array, start = 0): number {
    const [lows, highs, numbers] = [this.#low, this.#high, this.#number]
    const mask = numbers.length - 1
    for (let index = start; index < out.length; index++) {
      const low = words[2 * index] as number
      const high = words[2 * index + 1]
      let at = low & mask
      while (numbers[at] !== 0 && (lows[at] !== low || highs[at] !== high)) at = (at + 1) & mask
      const number = numbers[at] as number
      if (number === 0) return index
      out[index] = number - 1
    }
    return out.length
  }

  /** Gives a new hash the next number. */
  #add(low: number, high: number): void {
    if (2 * this.#count >= this.#number.length) this.#grow()
    this.#count++
    this.#set(low, high, this.#count)
  }

  #set(low: number, high: number, number: number): void {
    const mask = this.#number.length - 1
    let at = low & mask
    while (this.#number[at] !== 0) at = (at + 1) & mask
    this.#low[at] = low
    this.#high[at] = high
    this.#number[at] = number
  }

  #grow(): void {
    const [low, high, number] = [this.#low, this.#high, this.#number]
    this.#low = new Int32Array(2 * low.length)
    this.#high = new Int32Array(2 * low.length)
    this.#number = new Int32Array(2 * low.length)
    for (let from = 0; from < number.length; from++)
      if (number[from] !== 0) this.#set(low[from] as number, high[from] as number, number[from] as number)
  }
}
