/**
 * Inflates xz by the WebAssembly module of xz-decompress. Deliberately drives the module and not the stream class around it: the class
 * takes a file that is cut short for a whole one, and inflates one file after another only.
 */
import { throwIfAborted } from '../errors/abort.ts'
import { type Abortable, InflateError } from './stream.ts'

/** The exports of the module. A context begins with its sizes and places: see `fields`. */
interface XzModule {
  readonly memory: { readonly buffer: ArrayBuffer }
  create_context(): number
  destroy_context(context: number): void
  supply_input(context: number, length: number): void
  get_next_output(context: number): number
}

interface XzClass {
  _moduleInstance?: { readonly exports: XzModule }
  _getModuleInstance(): Promise<void>
}

let loading: Promise<void> | undefined

async function loadModule(): Promise<XzModule> {
  // Imported when it is needed, because each thread would load it at its start.
  const { default: xz } = await import('xz-decompress')
  const stream = xz.XzReadableStream as unknown as XzClass
  loading ??= stream._getModuleInstance()
  await loading
  return (stream._moduleInstance as { readonly exports: XzModule }).exports
}

/** Numbers of 32 bits in a context: size of both buffers; place, position and length of the input; place and position of the output. */
const fields = { size: 0, input: 1, inputAt: 2, inputLength: 3, output: 4, outputAt: 5 } as const

/** Results of `get_next_output`, as xz-embedded numbers them. */
const more = 0
const atEnd = 1
const reasons: Readonly<Record<number, string>> = {
  2: 'a kind of checksum that is not supported; compress with --check=crc64',
  3: 'no memory for its dictionary',
  4: 'a dictionary of more than 64 MiB; compress with -9 or less',
  5: 'no xz data',
  6: 'an option that is not supported (SHA-256, or a filter for programs); compress with --check=crc64 and without filters',
}

/**
 * Yields the inflated bytes of any number of streams one after another, with padding as the format has it.
 * Memory: 128 KiB and the dictionary, at most 64 MiB, which stays with the module. @throws InflateError
 */
export async function* inflateXz(source: AsyncIterable<Uint8Array>, { signal }: Abortable): AsyncGenerator<Uint8Array> {
  const context = new XzContext(await loadModule())
  try {
    for await (const chunk of source) {
      throwIfAborted(signal)
      for (let at = 0; at < chunk.length; at += context.size) {
        context.supply(chunk.subarray(at, at + context.size))
        while (!context.needsInput) yield context.next()
      }
      while (context.isFull) yield context.next()
    }
    // Without input, the module says whether the last stream is at its end.
    context.supply(new Uint8Array())
    for (;;) {
      const rest = context.next()
      yield rest
      if (context.result === atEnd) return
      if (rest.length === 0) throw new InflateError('Z_BUF_ERROR', 'xz: unexpected end of file')
    }
  } finally {
    context.close()
  }
}

class XzContext {
  readonly size: number
  result = more
  isFull = false
  readonly #module: XzModule
  readonly #context: number

  constructor(module: XzModule) {
    this.#module = module
    this.#context = module.create_context()
    this.size = this.#fields[fields.size] ?? 0
  }

  /** Deliberately made anew each time, because memory that grows is another buffer. */
  get #fields(): Uint32Array {
    return new Uint32Array(this.#module.memory.buffer, this.#context, 6)
  }

  get needsInput(): boolean {
    const all = this.#fields
    return all[fields.inputAt] === all[fields.inputLength]
  }

  supply(bytes: Uint8Array): void {
    const place = this.#fields[fields.input] ?? 0
    new Uint8Array(this.#module.memory.buffer, place, this.size).set(bytes)
    this.#module.supply_input(this.#context, bytes.length)
  }

  /** Returns the next bytes, perhaps none, as a copy. @throws InflateError */
  next(): Uint8Array {
    this.result = this.#module.get_next_output(this.#context)
    if (this.result !== more && this.result !== atEnd)
      throw new InflateError('Z_DATA_ERROR', `xz: ${reasons[this.result] ?? 'damaged data'}`)
    const all = this.#fields
    const [place = 0, length = 0] = [all[fields.output], all[fields.outputAt]]
    const bytes = new Uint8Array(this.#module.memory.buffer, place, length).slice()
    all[fields.outputAt] = 0
    this.isFull = length === this.size
    return bytes
  }

  close(): void {
    this.#module.destroy_context(this.#context)
  }
}
