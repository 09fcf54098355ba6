/** Builds the format of XML documents. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { XmlFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'

/** The options of `xml`. */
export type XmlOptions = Omit<XmlFormat, 'kind'>
export type Xml = Refined<XmlFormat, XmlOptions>

/**
 * XML documents, of which one element is a record. Its children are columns by their names, its attributes by `@` and their names. Read
 * as a stream, whatever the size of the document.
 * @example files({ paths: 'orders/*.xml', format: xml({ record: 'orders/order' }) })
 */
export function xml(given: XmlOptions): Xml {
  const { record, lists } = check('xml', xmlOptions, given)
  return refinable({ kind: 'xml', record, lists }, given, xml)
}

const pathText = 'names of elements with / between them, without prefixes, such as orders/order'
const elementPath = v.pipe(
  v.string(pathText),
  v.check(path => /^[^/\s<>&:@#]+(\/[^/\s<>&:@#]+)*$/.test(path), pathText),
)

const xmlOptions = options({ record: elementPath, lists: v.optional(v.array(elementPath)) }, { path: 'record' })
