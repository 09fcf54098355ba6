/** Finds the columns of a text in which every field is written plainly, such as `-12` or `2024-01-31`: reading these as values loses nothing. */
import { type KernelMemory, kernelLoader } from '../../kernel/load-kernel.ts'
import { kernelBase64 } from '../../kernel/plain-fields-wasm.ts'
import { type Dialect, toBytes } from './dialect.ts'
import { canJump } from './jump.ts'

/** A plain form of fields. An empty field has every form; a field in quotes has none. */
export type FieldForm =
  /** Only digits and signs. */
  | { readonly kind: 'integer' }
  /** Only digits, signs and points. */
  | { readonly kind: 'number' }
  /** As `number`, with at most `scale` digits behind the point. */
  | { readonly kind: 'decimal'; readonly scale: number }
  /** `2024-01-31`, `2024-01-31 23:59:59` or `2024-01-31T23:59:59`, with at most six digits behind a point. */
  | { readonly kind: 'timestamp' }
  /** `2024-01-31`. */
  | { readonly kind: 'date' }

/** Numbers of the forms in plain-fields.wat. */
const codes: { readonly [K in FieldForm['kind']]: number } = {
  integer: 1,
  number: 2,
  decimal: 3,
  timestamp: 4,
  date: 5,
}

/** Offsets in the kernel's memory. */
const scalesAt = 1024
const textAt = 4096
const columnsMax = 1024
/** Bytes that the kernel looks at in one call; a record must fit into them. */
const windowBytes = 128 * 1024

/** Looks at texts of records with the same columns, one after another. Memory: one window, shared by all of a thread. */
export class PlainFields {
  private readonly quote: number
  private readonly delimiter: number
  private readonly count: number
  private readonly codes: Uint8Array
  private readonly scales: Uint8Array

  /** `forms` has a form for each column that matters. */
  constructor(dialect: Dialect, forms: readonly (FieldForm | undefined)[]) {
    const { quote, delimiter } = toBytes(dialect)
    this.quote = quote
    this.delimiter = delimiter[0] ?? 0
    this.count = forms.length
    this.codes = Uint8Array.from(forms, form => (form ? codes[form.kind] : 0))
    this.scales = Uint8Array.from(forms, form => (form?.kind === 'decimal' ? form.scale : 0))
    const isSimple = canJump(dialect) && delimiter.length === 1 && !isNewline(this.delimiter) && !isNewline(quote)
    if (!isSimple || forms.length > columnsMax) this.giveUp()
  }

  /** Whether each column was written in its form in all texts; false for a column without one. */
  get columns(): readonly boolean[] {
    return Array.from(this.codes, code => code !== 0)
  }

  /** Looks at a text that begins with a record and has one kind of newline, LF or CRLF. */
  add(bytes: Uint8Array): void {
    if (this.codes.every(code => code === 0)) return
    const kernel = kernelOfThread()
    if (!kernel || !this.look(kernel, bytes)) this.giveUp()
  }

  /** Returns false where records cannot be told apart. */
  private look({ memory, look }: Kernel, bytes: Uint8Array): boolean {
    memory.set(this.codes)
    memory.set(this.scales, scalesAt)
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + windowBytes)
      memory.set(bytes.subarray(at, end), textAt)
      let length = end - at
      // The last record may have no newline.
      if (end === bytes.length && bytes[end - 1] !== 10) memory[textAt + length++] = 10
      const done = look(length, this.count, this.quote, this.delimiter)
      if (done <= 0) return false
      at += done
    }
    this.codes.set(memory.subarray(0, this.count))
    return true
  }

  /** From now on no column counts as plain. */
  giveUp(): void {
    this.codes.fill(0)
  }
}

const isNewline = (byte: number): boolean => byte === 10 || byte === 13

interface Kernel {
  readonly memory: Uint8Array
  look(length: number, columns: number, quote: number, delimiter: number): number
}

interface KernelExports {
  readonly memory: KernelMemory
  readonly look: Kernel['look']
}

const kernelOfThread = kernelLoader(
  kernelBase64,
  ({ memory, look }: KernelExports): Kernel => ({ memory: new Uint8Array(memory.buffer), look }),
)
