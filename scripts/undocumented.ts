/** Finds what the reference of the interface shows without saying what it means. */

/** A declaration of TypeDoc's JSON, as far as it is used here. @see https://typedoc.org/api/modules/JSONOutput.html */
export interface Declaration {
  readonly id: number
  readonly name: string
  readonly children?: readonly Declaration[]
  readonly signatures?: readonly Declaration[]
  readonly parameters?: readonly Declaration[]
  readonly comment?: { readonly summary: readonly unknown[] }
  readonly type?: Type
}

/** A type: any of its fields may hold others, and a reference has the id of its declaration. */
interface Type {
  readonly type: string
  readonly target?: number | Type
  readonly types?: readonly Type[]
  readonly declaration?: Declaration
}

/**
 * Returns the names of exported functions, and of options that exported functions and constructors take, that have no comment: `csv`, or
 * `CsvOptions.skip`. Options of a type without a name are described with what has them.
 */
export function undocumented(project: Declaration): string[] {
  const named = new Map(everyDeclaration(project).map(each => [each.id, each]))
  const found: string[] = []
  const visited = new Set<number>()

  const visitOptions = (type: Type | undefined): void => {
    for (const target of type ? referencesOf(type) : []) {
      const declaration = named.get(target)
      if (!declaration || visited.has(target)) continue
      visited.add(target)
      const options = membersOf(declaration)
      // Values with a kind are made by functions, whose options are visited.
      if (options.some(({ name }) => name === 'kind')) continue
      for (const option of options)
        if (!isDocumented(option) && !option.name.startsWith('[')) found.push(`${declaration.name}.${option.name}`)
      for (const option of options) visitOptions(option.type)
      visitOptions(declaration.type)
    }
  }

  /** Returns the properties of an interface or type alias, also those of all parts of a union or intersection. */
  const membersOf = ({ children = [], type }: Declaration): Declaration[] => [
    ...children,
    ...[type, ...(type?.types ?? [])].flatMap(part => part?.declaration?.children ?? []),
    ...(type?.types ?? []).flatMap(part => named.get(part.target as number) ?? []).flatMap(membersOf),
  ]

  for (const exported of (project.children ?? []).flatMap(module => module.children ?? [])) {
    const constructors = (exported.children ?? []).filter(({ name }) => name === 'constructor')
    for (const { signatures = [] } of [exported, ...constructors])
      for (const parameter of signatures.flatMap(({ parameters = [] }) => parameters)) visitOptions(parameter.type)
    if (exported.signatures && !isDocumented(exported)) found.push(exported.name)
  }
  return [...new Set(found)].sort()
}

function isDocumented({ comment, signatures = [], type }: Declaration): boolean {
  const commented = [{ comment }, ...signatures, ...(type?.declaration?.signatures ?? [])]
  return commented.some(each => (each.comment?.summary.length ?? 0) > 0)
}

/** Returns the declarations within any part of the project. */
function everyDeclaration(part: unknown): Declaration[] {
  if (typeof part !== 'object' || part === null) return []
  const within = Object.values(part).flatMap(everyDeclaration)
  return isDeclaration(part) ? [part, ...within] : within
}

const isDeclaration = (part: object): part is Declaration => 'variant' in part

/** Returns the ids of the declarations to which a type refers, also those in types without a name. */
function referencesOf(part: unknown): number[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, target } = part as Partial<Type>
  const own = type === 'reference' && typeof target === 'number' ? [target] : []
  return [...own, ...Object.entries(part).flatMap(([key, each]) => (isOfType(key) ? referencesOf(each) : []))]
}

/** Leaves out what functions take and return. */
const isOfType = (key: string): boolean => !['signatures', 'comment'].includes(key)
