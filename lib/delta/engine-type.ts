/** Parses the engine's name of a type, such as `STRUCT(a INTEGER, b DECIMAL(9,2)[])`. */

export type EngineType =
  | { readonly kind: 'scalar'; readonly name: string }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'list'; readonly items: EngineType }
  | { readonly kind: 'map'; readonly key: EngineType; readonly value: EngineType }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly type: EngineType }[] }

/** Parses a type; what it does not know is a scalar of that name. */
export function parseEngineType(text: string): EngineType {
  const list = /^(.*)\[\d*\]$/s.exec(text)
  if (list) return { kind: 'list', items: parseEngineType(list[1] ?? '') }
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(text)
  if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  const inner = /^(STRUCT|MAP)\((.*)\)$/s.exec(text)
  if (!inner) return { kind: 'scalar', name: text }
  const parts = splitTop(inner[2] ?? '')
  if (inner[1] === 'MAP')
    return { kind: 'map', key: parseEngineType(parts[0] ?? ''), value: parseEngineType(parts[1] ?? '') }
  return { kind: 'struct', fields: parts.map(parseField) }
}

/** Returns the engine's name of a type. */
export function engineTypeText(type: EngineType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'list':
      return `${engineTypeText(type.items)}[]`
    case 'map':
      return `MAP(${engineTypeText(type.key)}, ${engineTypeText(type.value)})`
    case 'struct':
      return `STRUCT(${type.fields.map(field => `${quoted(field.name)} ${engineTypeText(field.type)}`).join(', ')})`
  }
}

/** Replaces every scalar of a type, at any depth. */
export function mapScalars(type: EngineType, map: (name: string) => EngineType): EngineType {
  switch (type.kind) {
    case 'scalar':
      return map(type.name)
    case 'decimal':
      return type
    case 'list':
      return { ...type, items: mapScalars(type.items, map) }
    case 'map':
      return { ...type, key: mapScalars(type.key, map), value: mapScalars(type.value, map) }
    case 'struct':
      return { ...type, fields: type.fields.map(field => ({ ...field, type: mapScalars(field.type, map) })) }
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Splits at the commas that are in no bracket and in no quotes. */
function splitTop(text: string): string[] {
  const parts: string[] = []
  let [depth, start] = [0, 0]
  let quote: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    if (quote !== undefined) quote = character === quote ? undefined : quote
    else if (character === '"' || character === "'") quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return [...parts, text.slice(start).trim()]
}

function parseField(text: string): { readonly name: string; readonly type: EngineType } {
  const quotedName = /^"((?:[^"]|"")*)"\s+(.*)$/s.exec(text)
  if (quotedName)
    return { name: (quotedName[1] ?? '').replaceAll('""', '"'), type: parseEngineType(quotedName[2] ?? '') }
  const at = text.indexOf(' ')
  return { name: text.slice(0, at), type: parseEngineType(text.slice(at + 1)) }
}
