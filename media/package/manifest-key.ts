/** The key of a package, as manifests name it. Pure. */
import type { KeyMethod, PackageKey } from '../../protocol/package.ts'

/** What manifests say of a key. */
export interface ManifestKey {
  /** How it encrypts. */
  readonly method: KeyMethod
  /** Where players get it. */
  readonly url: string
  /** Its id, by which players know it: 32 hex digits. */
  readonly id: string
}

/** What they say of the key of a recipe; null where there is none. */
export const manifestKey = (key: PackageKey | undefined): ManifestKey | null =>
  key === undefined ? null : { method: key.method ?? 'aes-128', url: key.url, id: key.sha256.slice(0, 32) }
