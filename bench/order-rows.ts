/** Rows of made-up orders as CSV text: seeded, so that the same input is generated on every machine. */

/** `many` has one day for each member, and one price for each product; `big` has any; `newlines` is `big` with line ends in 10 % of its notes. */
export type OrderStyle = 'many' | 'big' | 'newlines'

/** Names and engine types, in the order of the generated text. */
export const orderColumns: Readonly<Record<string, string>> = {
  order_id: 'BIGINT',
  ordered_at: 'TIMESTAMP',
  customer_id: 'BIGINT',
  product: 'VARCHAR',
  quantity: 'BIGINT',
  unit_price: 'DOUBLE',
  country: 'VARCHAR',
  gift: 'BOOLEAN',
  note: 'VARCHAR',
}

export const orderHeader = `${Object.keys(orderColumns).join(',')}\n`

/** The id of row 0; ids count upwards. */
export const firstOrderId = 10_000_000

/** Makes rows `start` to `start + count` of a data set, about 88 bytes each, without header. */
export function orderRows(style: OrderStyle, start: number, count: number): string {
  const random = randomFrom(start * 3 + style.length)
  const next = style === 'many' ? manyRow(random, start) : bigRow(random, style === 'newlines')
  let text = ''
  for (let row = start; row < start + count; row++) text += `${firstOrderId + row},${next()}\n`
  return text
}

/** Returns a generator of 32 random bits at a time (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) % below
  }
}

type Random = ReturnType<typeof randomFrom>

function manyRow(random: Random, start: number): () => string {
  const day = days[Math.floor(start / 20_000) % days.length]
  return () => {
    const product = random(products.length)
    const price = `${prices[product]}.${digits[random(100)]}`
    return `${day} ${times[random(times.length)]},${customer(random)},${products[product]},${quantity(random)},${price},${ending(random)},${plainNote(random)}`
  }
}

function bigRow(random: Random, hasNewlines: boolean): () => string {
  return () => {
    const at = `${days[random(days.length)]} ${times[random(times.length)]}`
    const price = `${1 + random(999)}.${digits[random(100)]}`
    const note = hasNewlines && random(10) === 0 ? lineNote(random) : plainNote(random)
    return `${at},${customer(random)},${products[random(products.length)]},${quantity(random)},${price},${ending(random)},${note}`
  }
}

const quantity = (random: Random): number => 1 + (random(2) === 0 ? random(20) : 0)
const customer = (random: Random): number => 100_000 + random(900_000)
const ending = (random: Random): string => `${countries[random(countries.length)]},${random(8) === 0}`
const plainNote = (random: Random): string => `${notes[random(notes.length)]} ${random(200_000)}"`
const lineNote = (random: Random): string => `"leave at\ndoor ${random(1_000)}${random(2) === 0 ? ',\n' : '\n\n'}ring"`

const pad = (value: number): string => `${value}`.padStart(2, '0')
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const digits = upTo(100).map(pad)
const days = upTo(365).map(day => new Date(Date.UTC(2025, 0, 1 + day)).toISOString().slice(0, 10))
const times = upTo(86_400).map(s => `${pad(Math.floor(s / 3600))}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`)
const countries = 'AT AU BE BR CA CH CN DE DK ES FI FR GB IE IN IT JP KE MX NA NL NO NZ PL PT SE US ZA'.split(' ')
const woods =
  'ash beech birch cedar cherry elm hazel juniper larch maple oak pine plum poplar spruce teak walnut willow'.split(' ')
const things = 'bench bowl chair clock desk door frame lamp shelf spoon stool table tray'.split(' ')
const products = woods.flatMap(wood => things.map(thing => `${wood} ${thing}`))
const prices = products.map((_, product) => 5 + ((product * 37) % 390))
const people =
  'ada alan barbara claude dennis donald edsger frances grace john katherine ken leslie niklaus radia tony'.split(' ')
const wishes = [
  '"for @, wrap it',
  '"call @ first',
  '"by @',
  '"say ""hi"" to @',
  '"no bag, @',
  '"gift of @',
  '"from @',
  '"@ paid',
]
const notes = people.flatMap(name => wishes.map(wish => wish.replace('@', name)))
