/** The nodes of a mesh that can be asked for a film. All of them answer the same, so that one is as good as another. */
export class Nodes {
  readonly #urls: string[]
  #at = 0

  /** Begins with one node, by its origin. */
  constructor(url: string) {
    this.#urls = [url]
  }

  /** The one that is asked now. */
  get current(): string {
    return this.#urls[this.#at]!
  }

  get size(): number {
    return this.#urls.length
  }

  /** Others that may be asked when this one does not answer. */
  add(urls: readonly string[]): void {
    for (const url of urls) if (!this.#urls.includes(url)) this.#urls.push(url)
  }

  /** This node did not answer: the next one is asked, unless that is so already. */
  leave(url: string): void {
    if (url === this.current) this.#at = (this.#at + 1) % this.#urls.length
  }

  /** The same address at the node that is asked now. Those of other servers, such as that of a key, stay. */
  here(url: string): string {
    const { origin, pathname, search } = new URL(url)
    return this.#urls.includes(origin) ? this.current + pathname + search : url
  }
}
