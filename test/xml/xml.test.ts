/** XML documents as inputs: elements and attributes as columns, lists, rejects with their lines, and documents that are refused. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { FilesSource, ZipMembersSource } from '../../lib/define/definition.ts'
import { column, csv, files, parquet, table, task, xml, zipMembers } from '../../lib/define/index.ts'
import { runTask, type TestFiles } from '../../lib/testing.ts'
import { recordLines } from '../../lib/xml/record-lines.ts'
import { buildZip } from '../zip-builder.ts'

const document = `<?xml version="1.0"?>
<!-- two
lines -->
<o:orders xmlns:o="urn:x"
   day="x">
  <order id="1"
     note='a "q" &amp; b'>
    <name>Ann &lt;&#x41;&gt;&#xD83D;&#xDE00;</name><price>1.50</price>
    <item>a</item><item n="2">b</item>
    <customer><city> Zürich </city><phone>1</phone></customer>
  </order>
  <order id="x"><name/><price>2</price><item>z</item></order>
  <order id="3"><name><![CDATA[<raw>
]]>tail</name><price>3</price><name>twice</name></order>
  <other><order id="9"/></other>
  <o:order id="4" xml:lang="de"/>
</o:orders>
`
const format = xml({ record: 'orders/order', lists: ['item', 'customer/phone'] })
const columns = {
  id: column.int32({ from: '@id' }),
  note: column.string({ from: '@note' }),
  name: column.string(),
  price: column.decimal(8, 2),
  item: column.json(),
  customer: column.struct({ city: column.string(), phone: column.list(column.int32()) }),
}
const output = parquet({ path: 't' })
const empty = { note: null, name: null, price: null, item: null, customer: null }

describe('an XML document', () => {
  it('gives an object for each record, with rejects at their lines, in files, members and UTF-16', async () => {
    const shared = { columns, output, rejects: { max: '100%' } as const }
    const wide = Buffer.from(`\ufeff${document.replace('1.0"', '1.0" encoding="UTF-16"')}`, 'utf16le')
    const cases: readonly { source: FilesSource | ZipMembersSource; given: TestFiles }[] = [
      { source: files({ paths: '*', format }), given: { 'a.xml': document } },
      { source: files({ paths: '*', format }), given: { 'a.xml.gz': gzipSync(document) } },
      { source: files({ paths: '*', format }), given: { 'a.xml': wide } },
      { source: zipMembers({ paths: '*', format }), given: { 'a.zip': buildZip({ 'a.xml': document }) } },
    ]
    for (const { source, given } of cases) {
      const { rows, rejects } = await runTask(task({ name: 't', source, ...shared }), { files: given })
      expect(rows).toEqual([
        {
          ...{ id: 1, note: 'a "q" & b', name: 'Ann <A>😀', price: '1.50', item: '["a",{"@n":"2","#text":"b"}]' },
          customer: { city: 'Zürich', phone: [1] },
        },
        { id: 4, ...empty },
      ])
      expect(rejects).toMatchObject([
        { line: 12, record: 2, column: 'id', expected: 'int32', received: 'x' },
        { line: 13, record: 3, expected: 'a JSON object in which each key stands once' },
      ])
    }
  })

  it('has the same lines however its bytes are cut', async () => {
    const bytes = Buffer.from(document)
    const whole = await linesOf(bytes, bytes.length)
    expect(whole.text.split('\n')).toHaveLength(5)
    for (const chunkBytes of [1, 2, 7, 100]) expect(await linesOf(bytes, chunkBytes)).toEqual(whole)
  })

  it('has the lines of its records and faults however its bytes are cut, with a > and newlines in tags', async () => {
    const record = '<r a="p>q"\n b=\'1\n2\'>\n<c\n/>x</r>\n'
    const faults = [
      ['<o><r/></o>\n\njunk\n', 3],
      ['<o><r/></o>\n\n\njunk\n\n<i/>', 4],
      ['<o><r/></o>;1\n<i>x</i>', 1],
      [`<o>\n${record.repeat(3)}<r>&no;</r></o>`, 17],
      [`<o>\n${record.repeat(700)}\n</o>\n\n x\n`, 3505],
    ] as const
    for (const [text, line] of faults)
      for (const chunkBytes of text.length > 1000 ? [1000, 16_384, 100_000] : [1, 2, 3, 5, 8, 13, 1000])
        await expect(linesOf(Buffer.from(text), chunkBytes, xml({ record: 'o/r' }))).rejects.toThrow(`in line ${line}`)
    const good = Buffer.from(`<o>${record.repeat(700)}</o>`)
    const whole = await linesOf(good, good.length, xml({ record: 'o/r' }))
    for (const chunkBytes of [7, 100, 1000, 4099])
      expect(await linesOf(good, chunkBytes, xml({ record: 'o/r' }))).toEqual(whole)
  })

  it('is read where a piece of it ends after a > in an attribute', async () => {
    for (const characters of [16_383, 16_384, 16_385]) {
      const comment = `<!--${' '.repeat(characters - 33)}-->`
      const top = `<o><r><a>1</a></r>${comment}<r a="p>`
      expect(top).toHaveLength(characters)
      const { text } = await linesOf(Buffer.from(`${top}q"><a>ok</a></r></o>`), 100_000, xml({ record: 'o/r' }))
      expect(text).toBe('{"a":"1"}\n{"@a":"p>q","a":"ok"}\n')
    }
  })

  it('has newlines as the ends of its lines, and the same lines after a comment with tags', async () => {
    const text =
      '<?xml version="1.0"?>\r\n<!-- c > < & <a> -->\r\n<o>\r\n<r>a\r\nb\rc&#13;d</r>\n<r><![CDATA[d\r\r\ne]]></r></o>'
    for (const chunkBytes of [1, 2, 5, 1000]) {
      const read = await linesOf(Buffer.from(text), chunkBytes, xml({ record: 'o/r' }))
      expect(read).toEqual({ text: '{"#text":"a\\nb\\nc\\rd"}\n{"#text":"d\\n\\ne"}\n', gaps: [0, 3, 23, 2] })
    }
  })

  it('is read in the encoding that it declares', async () => {
    const bytes = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><o><order id="1"><name>é</name></order></o>',
      'latin1',
    )
    const { rows } = await read(bytes, xml({ record: 'o/order' }))
    expect(rows).toEqual([{ id: 1, name: 'é' }])
    for (const chunkBytes of [1, 20])
      expect((await linesOf(bytes, chunkBytes, xml({ record: 'o/order' }))).text).toBe('{"@id":"1","name":"é"}\n')
  })

  it('of many records gives all of them, in pieces', async () => {
    const record = (id: number): string => `<order id="${id}">\n<name>n${id % 7}</name></order>\n`
    const large = `<o>\n${Array.from({ length: 30_000 }, (_, id) => record(id)).join('')}<order id="no"/></o>`
    const { rows, rejects } = await read(Buffer.from(large), xml({ record: 'o/order' }))
    expect(rows).toEqual(Array.from({ length: 30_000 }, (_, id) => ({ id, name: `n${id % 7}` })))
    expect(rejects).toMatchObject([{ line: 60_002, record: 30_001 }])
  })

  it('may be a table, and have no records', async () => {
    const joined = task({
      name: 't',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { id: column.int32() },
      tables: { names: table('names.xml', xml({ record: 'o/order' })) },
      output,
    }).sql<{ id: number; name: string }>`select i.id, n.name from input i join names n on n."@id"::int = i.id`
    const given = {
      'a.csv': 'id\n2\n',
      'names.xml': '<o><order id="1" name="a"/><order id="2"><name>b</name></order></o>',
    }
    expect((await runTask(joined, { files: given })).rows).toEqual([{ id: 2, name: 'b' }])
    expect((await read(Buffer.from('<o/>'), xml({ record: 'o/order' }))).rows).toEqual([])
  })
})

it.each([
  ['ends too early', '<o><order>', 'end of'],
  ['has a tag that is not closed', '<o>\r\n<order></o>', 'closing tag mismatch in line 2'],
  [
    'has two outermost elements',
    '<o><order id="1"/></o>\n<!-- b -->\n<o><order id="2"/></o>',
    'a second outermost element in line 3',
  ],
  ['has text after its outermost element', '<o>\n</o>\nrest', 'non-whitespace outside of root node in line 3'],
  ['has text before its outermost element', 'top<o/>', 'non-whitespace outside of root node in line 1'],
  ['lacks the elements around the records', '<a/>', 'the element o in the document, got a document without it'],
  ['is no XML', '{"a":1}', 'missing start tag'],
  ['declares a document type', '\n\n<!DOCTYPE a [<!ENTITY x "y">]><o/>', 'a declaration of a document type in line 3'],
  ['has an unknown entity', '<o>\n<order>a\n&x;</order></o>', 'the unknown entity &x; in line 3'],
  ['has a lone &', '<o><order a="b & c"/></o>', 'an & that begins no entity (written &amp;) in line 1'],
  ['has a number that is none', '<o><order>&#xZZ;</order></o>', 'an & that begins no entity'],
  ['has a name that is no entity', '<o><order>&\xc3\xa9;</order></o>', 'an & that begins no entity'],
  ['refers to NUL', '<o><order>&#0;</order></o>', 'the unknown entity &#0;'],
  ['refers to half a character', '<o><order>&#xD800;</order></o>', 'a reference to half a character'],
  ['has a control character', '<o><order>\n<![CDATA[\n\x01]]></order></o>', 'the control character U+0001 in line 3'],
  ['has an attribute twice', '<o><order id="1" id="2"/></o>', 'already defined'],
  ['declares an unknown encoding', '<?xml version="1.0" encoding="klingon"?><o/>', 'the declared encoding klingon'],
  ['has bytes of another encoding', '<o><order>\xe9</order></o>', 'in UTF-8, as it declares or by default'],
  ['is a zip', 'PK\x03\x04', 'expected an XML document, got a zip archive'],
  ['has elements too deep in one another', '<a>'.repeat(70), 'more than 64 elements'],
])('a document that %s is refused', async (_, text, message) => {
  await expect(read(Buffer.from(text, 'latin1'), xml({ record: 'o/order' }))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringMatching(new RegExp(`^a\\.xml: .*${message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)),
  })
})

it.each(['', '/a', 'a//b', 'x:a', 'a/@b', 'a b'])('refuses the record %j', record => {
  expect(() => xml({ record })).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
})

const read = (bytes: Uint8Array, own: ReturnType<typeof xml>) =>
  runTask(
    task({
      name: 't',
      source: files({ paths: '*.xml', format: own }),
      columns: { id: column.int32({ from: '@id' }), name: column.string() },
      output,
      rejects: { max: '100%' },
    }),
    { files: { 'a.xml': bytes } },
  )

async function linesOf(bytes: Uint8Array, chunkBytes: number, own = format) {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const gaps: number[] = []
  const found = await Array.fromAsync(recordLines(chunks(), { format: own, gaps }))
  return { text: Buffer.concat(found).toString(), gaps }
}
