/** The prefix below which all state of Fanmill stands; every other key of an output root belongs to datasets. */
export const stateRoot = '.fanmill/'
