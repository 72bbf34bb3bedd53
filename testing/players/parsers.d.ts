/** Parsers of manifests, written by others, without types of their own: as far as tests use them. */
declare module 'm3u8-parser' {
  export class Parser {
    push(text: string): void
    end(): void
    // biome-ignore lint/suspicious/noExplicitAny: what a test reads of it, it compares
    readonly manifest: any
  }
}
declare module 'mpd-parser' {
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of it, it compares
  export function parse(manifest: string, options: { manifestUri: string }): any
}
