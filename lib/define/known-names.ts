/** Objects of builders whose unknown names throw an error that names the right one. */
import { invalid, meantName } from './check.ts'

/** Names that JavaScript itself looks up on any object. */
const usedByJavaScript = ['then', 'toJSON']

/**
 * Returns the builders, frozen. A function under any other name throws when it is called. `others` maps names that other
 * tools use to names here; `Others` makes the compiler show them too.
 * @throws DEFINITION_INVALID with the nearest name
 */
export function withKnownNames<Builders extends object, Others>(
  subject: string,
  builders: Builders,
  others: { readonly [Name in keyof Others]: string },
): Builders & Others {
  return new Proxy(Object.freeze(builders), {
    get(target, name, receiver) {
      if (typeof name === 'symbol' || name in target || usedByJavaScript.includes(name))
        return Reflect.get(target, name, receiver)
      return () => {
        const names = Object.keys(target)
        const message = `expected one of ${names.join(', ')}, got ${name}${meantName(name, names, others)}`
        throw invalid(`${subject}.${name}`, message)
      }
    },
  }) as Builders & Others
}
