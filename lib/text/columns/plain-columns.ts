/** Finds the columns of a text in which every field is written plainly, where the text itself is left to the engine: reading these as values loses nothing. */
import type { FieldKind } from './field-kind.ts'
import { FieldWindows, type ParsePlan } from './field-windows.ts'
import type { FieldKernel } from './kernel.ts'

/** Looks at texts with the same columns, one after another. */
export class PlainColumns {
  readonly #windows: FieldWindows
  readonly #fields: (FieldKind | undefined)[]

  constructor(plan: ParsePlan) {
    this.#windows = new FieldWindows(plan)
    this.#fields = plan.fields.map(field => (field?.kind === 'text' ? undefined : field))
  }

  /** Whether each column is plain in all texts; false for one that is not read, or is a text. */
  get columns(): readonly boolean[] {
    return this.#fields.map(field => field !== undefined)
  }

  add(text: Uint8Array): void {
    if (!this.#hasPlain) return
    const bytes = this.#windows.each(text, true, kernel => {
      for (const [position, field] of this.#fields.entries())
        this.#fields[position] = plainKind(kernel, position, field)
      return this.#hasPlain
    })
    if (bytes === undefined) this.giveUp()
  }

  /** From now on no column counts as plain. */
  giveUp(): void {
    this.#fields.fill(undefined)
  }

  get #hasPlain(): boolean {
    return this.#fields.some(field => field !== undefined)
  }
}

/** Returns the first kind, from this one on, that all fields of the window have. */
function plainKind(kernel: FieldKernel, position: number, field: FieldKind | undefined): FieldKind | undefined {
  if (!field || kernel.parse(position, field)) return field
  return plainKind(kernel, position, field.wider)
}
