/**
 * The latest probes of this process: that of a submit, or one that was begun ahead of it, serves the ingest, while its file is the same. A file that
 * changes while it is probed has another identity afterwards, so that what was read of it is not used again.
 */
import { identityAt } from '../files/file-hashes.ts'

/** Answers of `read` by path, for the identity that the file had before it was read. Failures are not kept. */
export class ProbeCache<Probe> {
  readonly #known = new Map<string, { readonly identity: string; readonly probe: Promise<Probe> }>()
  readonly #most: number

  /** `most`: number of files that are remembered; beyond it the oldest are dropped. */
  constructor(most: number) {
    this.#most = most
  }

  /** The probe of the file at `path`, also one that another call has begun. Rejects as `read`: a failure of another call is that one's alone. */
  async probe(path: string, read: () => Promise<Probe>): Promise<Probe> {
    const identity = await identityAt(path)
    const before = this.#known.get(path)
    const known = before?.identity === identity ? await before?.probe.catch(() => null) : null
    if (known != null) return known
    const probe = read()
    if (identity !== null) this.#remember(path, { identity, probe })
    return await probe
  }

  #remember(path: string, entry: { readonly identity: string; readonly probe: Promise<Probe> }): void {
    this.#known.delete(path)
    this.#known.set(path, entry)
    entry.probe.catch(() => this.#known.get(path) === entry && this.#known.delete(path))
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > this.#most) this.#known.delete(oldest)
  }
}
