/**
 * Shared folders: folders that several peers see, perhaps at other paths and under other names. One is identified by the random id in its
 * marker file. What lies there is named by that id and a relative path, so that any peer that sees the folder finds it. Pure.
 */
import type { VideoId } from './ids.ts'
import type { LeaseName } from './lease.ts'

/** The file at the top of a shared folder that holds its id. */
export const MARKER_FILE = '.reelmesh-shared'

/** Shared folders that a configuration may name, and that a heartbeat lists. */
export const SHARED_FOLDERS_MAX = 16

/** A file or folder in a shared folder. */
export interface SharedPlace {
  /** Id of the shared folder: 32 hex digits. */
  folder: string
  /** Relative, with `/` between its parts; '' is the shared folder itself. */
  path: string
}

/** Where a source lies in a shared folder, as it was when it was submitted. */
export interface SharedSource extends SharedPlace {
  /** Its modification time, whole ms since 1970. */
  mtime_ms: number
  /** Paths in the same folder of the subtitle files that were submitted with it, in the order of the recipe. */
  subtitles?: string[]
}

/** A shared folder that a peer sees, as its heartbeats name it. */
export interface SeenFolder {
  /** Its name for people: each peer chooses its own. */
  name: string
  id: string
}

/** What keeps a peer from a shared folder, or from a source in one. */
export interface SharedProblem {
  /** The video whose source it is; null where it is a whole folder. */
  video: VideoId | null
  /** A sentence for people, with what to do; which peer has the problem is not in it. */
  text: string
}

/** Problems that a heartbeat lists at most. */
export const SHARED_PROBLEMS_MAX = 8
/** Length of the text of a problem in a heartbeat, characters, at most. */
export const SHARED_PROBLEM_TEXT_MAX = 400

/** Whether this is the form of a shared folder's id. */
export const isFolderId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id)

/** Whether a path stays in its folder: relative, without `.`, `..`, empty parts, and NUL. '' is the folder itself. */
export const isSharedPath = (path: string): boolean =>
  path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'))

/** The lease of the peer that watches this folder. */
export const watchLease = ({ folder, path }: SharedPlace): LeaseName => `watch:${folder}/${path}`

/** The lease of the peer that delivers into this shared folder. */
export const deliverLease = (folder: string): LeaseName => `deliver:${folder}`

/** A shared folder as it was at the last look. */
export interface SharedFolderState {
  readonly name: string
  /** As configured. */
  readonly path: string
  /** The same with its links resolved. */
  readonly root: string
  /** Null where it is not seen now. */
  readonly id: string | null
  readonly isWritable: boolean
  /** Why it is not seen; null where it is. */
  readonly problem: string | null
}

/** A regular file in a shared folder, as it is now. */
export interface SharedFile {
  /** Absolute. */
  readonly path: string
  readonly bytes: number
  /** Its modification time, whole ms since 1970. */
  readonly mtime_ms: number
  /** As of `SourceFacts`. */
  readonly identity: string
}

/** The shared folders of one peer. No method rejects. */
export interface SharedFolders {
  /** Looks at all of them; the answers of the other methods are as of the last look. */
  look(): Promise<void>
  states(): readonly SharedFolderState[]
  seen(): readonly SeenFolder[]
  /** Where a path of this machine lies in a shared folder, links resolved; null where it does in none. It may be missing still. */
  placeOf(path: string): Promise<SharedPlace | null>
  /** The absolute path of a place; null where its folder is not seen, or the place would lie outside. */
  pathOf(place: SharedPlace): string | null
  /** The regular file at a place, reached without a link; null where there is none. */
  file(place: SharedPlace): Promise<SharedFile | null>
}
