/** The prefix below which all state of Fanmill stands; every other key of an output root belongs to datasets. */
export const stateRoot = '.fanmill/'

/** The root of all rows that stages exchange, which a rule of a bucket can expire. */
export const exchangeRoot = `${stateRoot}exchange/`

/** The root of code that was shipped to deployed functions. */
export const shippedRoot = `${stateRoot}shipped/`
