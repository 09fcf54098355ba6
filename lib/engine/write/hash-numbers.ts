/** Numbers 64-bit hashes in the order of their first appearance, without allocating an object for each. */
export class HashNumbers {
  #low = new Uint32Array(64)
  #high = new Uint32Array(64)
  /** The number plus one, because 0 marks a free place. */
  #number = new Uint32Array(64)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Returns the hash's number, or undefined when it is new. */
  find(low: number, high: number): number | undefined {
    const number = this.#number[this.#place(low, high)] as number
    return number === 0 ? undefined : number - 1
  }

  /** Numbers a new hash, one that `find` did not find. */
  add(low: number, high: number): number {
    if (2 * this.#count >= this.#number.length) this.#grow()
    const at = this.#place(low, high)
    this.#low[at] = low
    this.#high[at] = high
    this.#number[at] = ++this.#count
    return this.#count - 1
  }

  #place(low: number, high: number): number {
    const mask = this.#number.length - 1
    let at = low & mask
    while (this.#number[at] !== 0 && (this.#low[at] !== low || this.#high[at] !== high)) at = (at + 1) & mask
    return at
  }

  #grow(): void {
    const [low, high, number] = [this.#low, this.#high, this.#number]
    this.#low = new Uint32Array(2 * low.length)
    this.#high = new Uint32Array(2 * low.length)
    this.#number = new Uint32Array(2 * low.length)
    for (let from = 0; from < number.length; from++) {
      if (number[from] === 0) continue
      const at = this.#place(low[from] as number, high[from] as number)
      this.#low[at] = low[from] as number
      this.#high[at] = high[from] as number
      this.#number[at] = number[from] as number
    }
  }
}
