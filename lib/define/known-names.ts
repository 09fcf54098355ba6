/** Builders by name that say what was meant where a name is not one of them. */
import { invalid, meantName } from './check.ts'

/** JavaScript itself asks any object for these. */
const askedByJavaScript = ['then', 'toJSON']

/**
 * The same object, frozen, whose unknown functions throw when they are called. `others` are names that other tools use,
 * each with the one of these.
 * @throws DEFINITION_INVALID with the nearest name
 */
export function withKnownNames<T extends object>(
  subject: string,
  builders: T,
  others: Readonly<Record<string, string>>,
): T {
  return new Proxy(Object.freeze(builders), {
    get(target, name, receiver) {
      if (typeof name === 'symbol' || name in target || askedByJavaScript.includes(name))
        return Reflect.get(target, name, receiver)
      return () => {
        const meant = meantName(name, Object.keys(target), others)
        throw invalid(`${subject}.${name}`, `expected one of ${Object.keys(target).join(', ')}, got ${name}${meant}`)
      }
    },
  })
}
