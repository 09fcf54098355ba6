/** Finds the snippets in the text of a page of the documentation. */

/** Returns the TypeScript snippets of a page, except for those that are shown as whole files with a name. */
export const snippetsIn = (text: string): string[] =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? '')
