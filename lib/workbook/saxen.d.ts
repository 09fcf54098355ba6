/** The part of saxen that is used. The package has no types. */
declare module 'saxen' {
  type Attributes = Readonly<Record<string, string>>
  export class Parser {
    on(name: 'openTag', listener: (name: string, attributes: () => Attributes | false) => void): this
    on(name: 'closeTag', listener: (name: string) => void): this
    on(name: 'text' | 'cdata' | 'attention', listener: (text: string) => void): this
    on(name: 'error' | 'warn', listener: (error: Error) => void): this
    write(xml: string): this
    end(): Error | undefined
  }
}
