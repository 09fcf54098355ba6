/** The part of saxen that is used. The package has no types. */
declare module 'saxen' {
  type Attributes = Readonly<Record<string, string>>
  /** Returns the text of the tag, and its line from 0 in what was written and is not parsed yet; its time grows with the distance from the beginning of what was written. */
  type Context = () => { readonly data: string; readonly line: number }
  export class Parser {
    on(
      name: 'openTag',
      listener: (
        name: string,
        attributes: () => Attributes | false,
        decode: unknown,
        isEmpty: boolean,
        context: Context,
      ) => void,
    ): this
    on(name: 'closeTag', listener: (name: string, decode: unknown, isEmpty: boolean, context: Context) => void): this
    on(name: 'text' | 'cdata' | 'comment' | 'question', listener: (text: string) => void): this
    on(name: 'attention', listener: (text: string, decode: unknown, context: Context) => void): this
    on(name: 'error' | 'warn', listener: (error: Error, context: Context) => void): this
    write(xml: string): this
    end(): Error | undefined
  }
}
