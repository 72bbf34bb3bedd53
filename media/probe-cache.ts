/**
 * The latest probes of this process: that of a submit serves the ingest, while its file is the same. A file that changes while it is probed
 * has another identity afterwards, so that what was read of it is not used again.
 */
import { identityAt } from '../files/file-hashes.ts'

/** Answers of `read` by path, for the identity that the file had before it was read. Failures are not kept. */
export class ProbeCache<Probe> {
  readonly #known = new Map<string, { readonly identity: string; readonly probe: Probe }>()
  readonly #most: number

  /** `most`: number of files that are remembered; beyond it the oldest are dropped. */
  constructor(most: number) {
    this.#most = most
  }

  /** The probe of the file at `path`. Rejects as `read`. */
  async probe(path: string, read: () => Promise<Probe>): Promise<Probe> {
    const identity = await identityAt(path)
    const before = this.#known.get(path)
    if (before && before.identity === identity) return before.probe
    this.#known.delete(path)
    const probe = await read()
    if (identity !== null) this.#known.set(path, { identity, probe })
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > this.#most) this.#known.delete(oldest)
    return probe
  }
}
