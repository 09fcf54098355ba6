/** The part of seek-bzip that is used: the decoder under its `decode`, block by block. The package has no types. */
declare module 'seek-bzip' {
  interface Input {
    readByte(): number
    read(target: Uint8Array, start: number, length: number): number
  }
  interface Output {
    writeByte(byte: number): void
  }
  export default class Bunzip {
    constructor(input: Input, output: Output)
    /** Reads the next block. Returns false at the end of the stream. */
    _init_block(): boolean
    /** Writes the bytes of the block. */
    _read_bunzip(): void
    readonly reader: { read(bits: number): number }
    readonly streamCRC: number
  }
}
