/** Finds what the user's code has left in a thread, such as a timer or a changed global, which the code of another run would meet. */
import { getHeapStatistics } from 'node:v8'

/** The answer of a thread that has closed all that it had opened. */
export interface RestedThread {
  readonly thread: number
  /** Whether the thread is as it was before its first job. */
  readonly isUnchanged: boolean
}

/** Fraction of its heap that a thread may have in use: modules stay in memory once they are loaded. */
const heapShareMax = 0.25

/** Notes the state of this thread, and returns a function that tells whether it is the same again. */
export function noteThread(): () => boolean {
  const before = stateOf()
  return () => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    const now = stateOf()
    const isSame = now.length === before.length && now.every((value, at) => Object.is(value, before[at]))
    return isSame && used < heapShareMax * limit && openHandles().length === 0
  }
}

/** Returns the kinds of all that may run code later or keeps a connection. Channels of messages are those of the pool. */
const openHandles = (): string[] => process.getActiveResourcesInfo().filter(kind => kind !== 'MessagePort')

/** Classes and objects of the language. Those of Node are loaded when their fields are first looked at, which costs 20 ms. */
const builtIns = [
  ...['Array', 'BigInt', 'Boolean', 'Date', 'Error', 'Function', 'Intl', 'JSON', 'Map', 'Math', 'Number', 'Object'],
  ...['Promise', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol', 'Uint8Array'],
  ...['clearTimeout', 'fetch', 'queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone'],
]

/** Returns the environment, the listeners of the process, the names of globals, and the fields of what is built in. */
function stateOf(): unknown[] {
  const listeners = process.eventNames().flatMap(name => [name, ...process.rawListeners(name)])
  const values = builtIns.map(name => fieldOf(globalThis, name))
  const prototypes = values.map(value => (value as { readonly prototype?: object }).prototype)
  const fields = [...values, ...prototypes].flatMap(value => (value ? fieldsOf(value) : []))
  return [JSON.stringify(process.env), ...listeners, ...Reflect.ownKeys(globalThis), ...values, ...fields]
}

const fieldsOf = (object: object): unknown[] => Reflect.ownKeys(object).flatMap(name => [name, fieldOf(object, name)])

/** Returns the value of a field, or its getter, which is not called. */
function fieldOf(object: object, name: string | symbol): object | undefined {
  const { value, get } = Reflect.getOwnPropertyDescriptor(object, name) ?? {}
  return value ?? get
}
