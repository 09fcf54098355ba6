/** The claim of one committer on a head: checked before each change, renewed in time, given up at the end. */

import { type Actor, effect, roundsMax, type Versioned } from '../state/files.ts'
import type { Head } from '../state/state.ts'
import { changeHead, lockedOut, openHead } from './head.ts'

/** Lives from the claim until `finish`; every change of the output is made through `change`. */
export class HeadClaim {
  readonly #actor: Actor
  readonly #claim: number
  #head: Versioned<Head>
  #renewal: Promise<void> | undefined

  /** The head must already name the actor as committing. */
  constructor(actor: Actor, head: Versioned<Head>) {
    this.#actor = actor
    this.#head = head
    this.#claim = head.value.claims
  }

  /**
   * Makes one change of the output, if the claim is still valid.
   * @throws OUTPUT_LOCKED when another process took it over
   */
  async change<T>(name: string, act: () => Promise<T>): Promise<T> {
    await this.#check()
    return effect(this.#actor, name, act)
  }

  /** Gives the claim up, and changes the head as committed. @throws OUTPUT_LOCKED when another process took it over */
  async finish(name: string, change: Pick<Head, 'committed'>): Promise<void> {
    const { generation } = this.#head.value.committing ?? {}
    await effect(this.#actor, name, async () => {
      for (let round = 0; round < roundsMax; round++) {
        const changed = await changeHead(this.#actor.store, this.#head, { ...change, committing: undefined })
        if (changed) return
        const head = await openHead(this.#actor, this.#head.value.outputPath)
        // Another process completed this very journal, or this change was made and its answer was lost.
        if (change.committed && head.value.committed?.generation === generation) return
        this.#adopt(head)
      }
      throw lockedOut(this.#head.value.outputPath)
    })
  }

  /** Renews the lease by If-Match when half of its time has passed, which also shows that nobody took it over. */
  async #check(): Promise<void> {
    const { committing } = this.#head.value
    const { now, leaseMs } = this.#actor
    if (committing && now() < committing.leaseUntil - leaseMs / 2) return
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined
    })
    await this.#renewal
  }

  async #renew(): Promise<void> {
    for (let round = 0; round < roundsMax; round++) {
      const { committing } = this.#head.value
      if (!committing) break
      const leaseUntil = this.#actor.now() + this.#actor.leaseMs
      const renewed = await changeHead(this.#actor.store, this.#head, { committing: { ...committing, leaseUntil } })
      if (renewed) {
        this.#head = renewed
        return
      }
      this.#adopt(await openHead(this.#actor, this.#head.value.outputPath))
    }
    throw lockedOut(this.#head.value.outputPath)
  }

  /** Accepts a changed head when the claim in it is still ours: a generation was reserved, or an answer to us was lost. */
  #adopt(head: Versioned<Head>): void {
    const { committing, outputPath } = head.value
    const isOurs = committing?.claim === this.#claim && committing.owner.id === this.#actor.owner.id
    if (!isOurs) throw lockedOut(outputPath, committing)
    this.#head = head
  }
}
