/**
 * Where the shared folders of this peer lie for its engine, so that started containers see them too: read-only, and at the paths that they have
 * here. A peer in a container of the engine has mounts, which the engine knows; one beside the engine has the engine's own paths.
 */

/** A shared folder: its name for people, and its absolute path on this peer. */
export interface SharedPath {
  readonly name: string
  readonly path: string
}

/** What the places of the folders are found by. */
export interface MountFacts {
  /** The mounts that containers get anyway, as `DockerSettings.volumes`. */
  readonly volumes: readonly string[]
  /** The mounts of the container in which this peer runs; null where it runs in none of this engine. */
  readonly own:
    | readonly {
        readonly Type: string
        readonly Name?: string | undefined
        readonly Source: string
        readonly Destination: string
      }[]
    | null
  /** Whether the engine is on the machine of this peer. */
  readonly isLocal: boolean
}

/** The folders that a container sees, and the mounts that it needs for them. Folders of which the engine knows no place are left out. Pure. */
export function sharedMounts(
  folders: readonly SharedPath[],
  facts: MountFacts,
): { readonly seen: readonly SharedPath[]; readonly binds: readonly string[] } {
  const found = folders.flatMap((folder) => {
    // In a mount a colon separates, in the setting a comma.
    if (/[:,]/.test(folder.path)) return []
    const bind = bindOf(folder.path, facts)
    return bind === null ? [] : [{ folder, bind }]
  })
  return { seen: found.map(({ folder }) => folder), binds: found.flatMap(({ bind }) => (bind === '' ? [] : [bind])) }
}

/** The mount for a path; '' where there is one already, null where there can be none. */
function bindOf(path: string, { volumes, own, isLocal }: MountFacts): string | null {
  if (volumes.some((volume) => isBelow(path, volume.split(':')[1] ?? ''))) return ''
  if (own === null) return isLocal ? `${path}:${path}:ro` : null
  const [inner] = own
    .filter(({ Destination }) => isBelow(path, Destination))
    .sort((a, b) => b.Destination.length - a.Destination.length)
  if (inner?.Type === 'bind') return `${inner.Source}${path.slice(inner.Destination.length)}:${path}:ro`
  // Of a volume only the whole can be mounted, and it may hold more than the folder.
  return inner?.Type === 'volume' && inner.Name !== undefined && inner.Destination === path
    ? `${inner.Name}:${path}:ro`
    : null
}

const isBelow = (path: string, folder: string): boolean =>
  folder !== '' && (path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`))
