/**
 * Blobs on the virtual disk: a store of one machine, and the exchange between those that a mesh connects. A fetch takes
 * time, and fails when its holder dies, freezes or is cut off on the way. Corrupt blobs are found where the real exchange finds them: by who
 * reads a blob, by who receives one, and by who sent it.
 */
import type { BlobExchange, BlobRef, BlobStore, SourceReference } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed, BlobMissing, SourceChanged } from '../../protocol/errors.ts'
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import { STREAM_SILENCE_MS } from '../../protocol/limits.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import { sha256Of } from './film.ts'
import type { Seeded } from './seeded.ts'
import { ROOT, type VirtualDisk } from './virtual-disk.ts'

export const storeOf = (machine: string): string => `${ROOT}${machine}/store`
const referencesOf = (machine: string): string => `${ROOT}${machine}/references`

export function createStore({ disk, clock, machine }: { disk: VirtualDisk; clock: Clock; machine: string }): BlobStore {
  const root = storeOf(machine)
  let scratches = 0
  const pathOf = (video: VideoId, sha256: Sha256) => `${root}/${video}/${sha256}`
  const videosBelow = (folder: string) =>
    disk.below(folder).map((path) => path.slice(folder.length + 1).split('/')[0] as VideoId)
  const mustHaveRoom = () => {
    if (disk.isFull(machine)) throw new AttemptFailed('disk_full', 'the disk is full')
  }

  const store: BlobStore = {
    scratch: async (name) => `${ROOT}${machine}/scratch/${name}-${++scratches}`,
    async put(video, path) {
      await clock.sleep(1)
      mustHaveRoom()
      const content = disk.read(path)
      const sha256 = sha256Of(content)
      disk.move(path, pathOf(video, sha256))
      return { sha256, bytes: content.byteLength }
    },
    async adopt(video, path, ref) {
      mustHaveRoom()
      disk.move(path, pathOf(video, ref.sha256))
    },
    find: async (sha256, video) => findAt(disk, machine, sha256, video),
    async lookUp(sha256, video) {
      const path = findAt(disk, machine, sha256, video)
      return path === null ? null : { path, identity: path.startsWith(`${root}/`) ? null : sha256Of(disk.read(path)) }
    },
    isStill: async ({ path, identity }) => disk.has(path) && sha256Of(disk.read(path)) === identity,
    listed: async () => ({ find: store.find, reference: store.reference }),
    async verify(sha256, video) {
      const path = findAt(disk, machine, sha256, video)
      if (path === null) return false
      const isIntact = sha256Of(disk.read(path)) === sha256
      if (!isIntact) disk.remove(path)
      return isIntact
    },
    async refer(video, source) {
      disk.write(`${referencesOf(machine)}/${video}`, JSON.stringify(source))
    },
    async reference(video) {
      const source = referenceOf(disk, machine, video)
      return source && isUnchanged(disk, source) ? source : null
    },
    async changedSource(sha256, video) {
      return changedAt(disk, machine, sha256, video)
    },
    async prune(video, keep) {
      for (const path of disk.below(`${root}/${video}`))
        if (!keep.has(path.split('/').at(-1) as Sha256)) disk.remove(path)
    },
    async remove(sha256, video) {
      disk.remove(pathOf(video, sha256))
    },
    async drop(video) {
      disk.remove(`${root}/${video}`)
      disk.remove(`${referencesOf(machine)}/${video}`)
    },
    videos: async () => [...new Set([...videosBelow(root), ...videosBelow(referencesOf(machine))])],
    list: async (video) => disk.below(`${root}/${video}`).map((path) => path.split('/').at(-1) as Sha256),
    room: async () => ({ freeBytes: disk.isFull(machine) ? 1 : 1e12, totalBytes: 2e12 }),
  }
  return store
}

function referenceOf(disk: VirtualDisk, machine: string, video: VideoId): SourceReference | null {
  const path = `${referencesOf(machine)}/${video}`
  return disk.has(path) ? (JSON.parse(disk.read(path).toString()) as SourceReference) : null
}

const isUnchanged = (disk: VirtualDisk, { path, sha256 }: SourceReference): boolean =>
  disk.has(path) && sha256Of(disk.read(path)) === sha256

/** The name of the source with these bytes that a machine referred to, where another file lies there now. */
function changedAt(disk: VirtualDisk, machine: string, sha256: Sha256, video: VideoId): string | null {
  const source = referenceOf(disk, machine, video)
  if (source?.sha256 !== sha256 || !disk.has(source.path) || isUnchanged(disk, source)) return null
  return source.path.split('/').at(-1) ?? ''
}

/** Where these bytes lie on a machine, as a blob or as a source by reference; null where they do not. */
export function findAt(disk: VirtualDisk, machine: string, sha256: Sha256, video?: VideoId): string | null {
  const own = disk
    .below(storeOf(machine))
    .find((path) => path.endsWith(`/${sha256}`) && (!video || path.includes(`/${video}/`)))
  if (own) return own
  for (const path of disk.below(referencesOf(machine))) {
    const reference = JSON.parse(disk.read(path).toString()) as SourceReference
    if (reference.sha256 === sha256 && isUnchanged(disk, reference)) return reference.path
  }
  return null
}

/** How the exchange sees another machine at this moment. */
export interface Neighbour {
  readonly machine: string
  readonly state: 'running' | 'frozen' | 'dead'
}

export interface ExchangeOptions {
  readonly disk: VirtualDisk
  readonly clock: Clock
  readonly rng: Seeded
  readonly machine: string
  readonly mesh: Mesh
  readonly store: BlobStore
  neighbour(peer: PeerId): Neighbour
}

export function createExchange(options: ExchangeOptions): BlobExchange {
  const { disk, clock, rng, machine, mesh, store, neighbour } = options
  let fetches = 0

  /** Whether that peer answers a question now; a frozen one is waited for. */
  /** Null: it has it not; undefined: it does not answer. */
  async function ask(peer: PeerId, sha256: Sha256, signal: AbortSignal): Promise<string | null | undefined> {
    if (!mesh.peers().includes(peer)) return undefined
    await clock.sleep(rng.whole(2, 15), signal)
    const { state, machine: theirs } = neighbour(peer)
    if (state === 'frozen') await clock.sleep(STREAM_SILENCE_MS, signal)
    if (neighbour(peer).state !== 'running' || !mesh.peers().includes(peer)) return undefined
    return findAt(disk, theirs, sha256)
  }

  async function fetchFrom(
    peer: PeerId,
    want: BlobRef & { video: VideoId },
    signal: AbortSignal,
  ): Promise<string | null> {
    if (!(await ask(peer, want.sha256, signal))) return null
    await clock.sleep(rng.whole(20, 200), signal)
    // Cut off in the middle, or dropped by its holder meanwhile.
    const from = (await ask(peer, want.sha256, signal)) ?? null
    if (from === null) return null
    const part = `${ROOT}${machine}/fetching/${++fetches}`
    if (disk.isFull(machine)) throw new AttemptFailed('disk_full', 'the disk is full')
    if (sha256Of(disk.read(from)) !== want.sha256) {
      if (from.startsWith(storeOf(neighbour(peer).machine))) disk.remove(from)
      return null
    }
    disk.write(part, disk.read(from))
    await store.adopt(want.video, part, want)
    return store.find(want.sha256, want.video)
  }

  return {
    async fetch({ holders, signal, isRead, ...want }) {
      const here = await store.find(want.sha256, want.video)
      const isReference = here !== null && !here.startsWith(storeOf(machine))
      if (here && (!isRead || isReference || (await store.verify(want.sha256, want.video)))) {
        disk.touch(here, clock.now())
        return here
      }
      let name: string | null = null
      for (const peer of new Set([...holders, ...mesh.peers()])) {
        if (peer === mesh.self) continue
        const path = await fetchFrom(peer, want, signal)
        if (path) {
          disk.touch(path, clock.now())
          return path
        }
        if (holders.includes(peer) && (await ask(peer, want.sha256, signal)) === null)
          name ??= changedAt(disk, neighbour(peer).machine, want.sha256, want.video)
      }
      name = (await store.changedSource(want.sha256, want.video)) ?? name
      throw name === null ? new BlobMissing(want.sha256) : new SourceChanged(name)
    },
    async whoHas({ sha256, peers, signal }) {
      const asked = (peers.length > 0 ? peers : mesh.peers()).filter((peer) => peer !== mesh.self)
      const answers = await Promise.all(asked.map((peer) => ask(peer, sha256, signal).catch(() => undefined)))
      return { has: asked.filter((_, at) => answers[at]), lacks: asked.filter((_, at) => answers[at] === null) }
    },
  }
}
