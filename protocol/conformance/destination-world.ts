/** What the suites of destinations work with. */
import type { ByteRange } from '../blobs.ts'
import type { Destination, DestinationFile } from '../destination.ts'

/** One place, empty, and what others do there. */
export interface DestinationWorld {
  /** Another handle of the same place, as another process or peer has it. */
  open(): Destination
  /** A handle under which every copy finds the disk full when it is half done. */
  openFull(): Destination
  /** Handles of places that cannot be written to, with what the error says. */
  openClosed(): Promise<readonly (readonly [Destination, RegExp])[]>
  /** Others write, or replace, a file. */
  write(path: string, content: string): Promise<void>
  /** Others remove a file. */
  remove(path: string): Promise<void>
  /** What is there as others see it: path → content. Empty where the place is not there yet. */
  files(): Promise<Record<string, string>>
  /** How many unfinished files are there. */
  unfinished(): Promise<number>
  close(): Promise<void>
}

/** A place of one test, and what its suites do there. */
export interface DestinationStage {
  readonly world: DestinationWorld
  readonly destination: Destination
  /** A folder of this machine. */
  readonly scratch: string
  fileOf(content: string, change?: Partial<DestinationFile>): DestinationFile
  /** Copies this content to the place, unplaced. */
  put(content: string, by?: Destination, file?: DestinationFile): Promise<void>
  /** Asserts that these files are there, and none unfinished. */
  holds(expected: Record<string, string>): Promise<void>
}

/** A range of a file; `meanwhile` happens after its first piece. */
export async function readText(
  destination: Destination,
  file: DestinationFile,
  range: ByteRange,
  meanwhile: () => Promise<void> = async () => {},
): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of destination.read(file, range, new AbortController().signal)) {
    if (pieces.length === 0) await meanwhile()
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('latin1')
}
