/** Finds what the user's code has left in a thread, such as a timer or a changed global, which the code of another run would meet. */
import { registerHooks } from 'node:module'
import { getHeapStatistics } from 'node:v8'
import { entryUrl } from '../../bundle/entry-url.ts'
import type { Activity } from '../pool/end-with-process.ts'

/** Data that a thread is started with. */
export interface ThreadData {
  /** Whether its pool is kept for other runs. */
  readonly isKept: boolean
  readonly activity: Activity
}

/** The answer of a thread that has closed all that it had opened. */
export interface RestedThread {
  readonly thread: number
  /** Whether the thread is as it was before its first job. */
  readonly isUnchanged: boolean
}

/** Limit on the memory that a thread may keep, because modules stay in memory once they are loaded. */
const keptBytesMax = 64 * 2 ** 20

/** Notes the state of this thread, and returns a function that tells whether it is the same again. */
export function noteThread(): () => boolean {
  const traces = { modules: followModules(), timers: followTimers() }
  const before = stateOf()
  const bytesBefore = bytesInUse()
  return () => {
    const now = stateOf()
    const isSame = now.length === before.length && now.every((value, at) => Object.is(value, before[at]))
    const isEmpty = bytesInUse() - bytesBefore < keptBytesMax && openHandles().length === 0
    return isSame && isEmpty && !traces.modules.any && !traces.timers.any
  }
}

interface Traces {
  any: boolean
}

/** Follows whether the user's code loads packages and files that are not in its bundle: they stay loaded, with their variables. */
function followModules(): Traces {
  const traces: Traces = { any: false }
  const ownFolder = new URL('.', entryUrl('fanmill')).href
  const isOwn = (url: string): boolean => url.startsWith(ownFolder) || url.startsWith('node:')
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      const { parentURL: parent = ownFolder } = context
      if (!isOwn(found.url) && !isOwn(parent) && !parent.includes('/node_modules/')) traces.any = true
      return found
    },
  })
  return traces
}

/** Follows whether timers are left to themselves by `unref`, after which Node no longer lists them. Fanmill's own are not. */
function followTimers(): Traces {
  const traces: Traces = { any: false }
  const timer = setTimeout(() => undefined)
  const timers = Object.getPrototypeOf(timer) as NodeJS.Timeout
  const { unref } = timers
  timers.unref = function (): NodeJS.Timeout {
    traces.any = true
    return unref.call(this)
  }
  clearTimeout(timer)
  return traces
}

function bytesInUse(): number {
  const { used_heap_size: heapBytes, external_memory: otherBytes } = getHeapStatistics()
  return heapBytes + otherBytes
}

/** Returns the kinds of all that may run code later or keeps a connection. Channels of messages are those of the pool. */
const openHandles = (): string[] => process.getActiveResourcesInfo().filter(kind => kind !== 'MessagePort')

/** Classes and objects of the language. Those of Node are loaded when their fields are first looked at, which costs 20 ms. */
const builtIns = [
  ...['Array', 'BigInt', 'Boolean', 'Date', 'Error', 'Function', 'Intl', 'JSON', 'Map', 'Math', 'Number', 'Object'],
  ...['Promise', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol', 'Uint8Array'],
  ...['clearTimeout', 'fetch', 'queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone', 'console'],
]

/** Returns the environment, the listeners of the process, the names of globals, and the fields of what is built in. */
function stateOf(): unknown[] {
  const listeners = process.eventNames().flatMap(name => [name, ...process.rawListeners(name)])
  const values = [process, ...builtIns.map(name => fieldOf(globalThis, name))]
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
