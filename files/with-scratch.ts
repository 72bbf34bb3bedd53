/** A scratch folder of the blob store for as long as one piece of work needs it. */
import { rm } from 'node:fs/promises'
import type { BlobStore } from '../protocol/blobs.ts'

/** Answers what `act` answers. Whatever the outcome, the folder and all in it is removed afterwards. */
export async function withScratch<T>(
  store: Pick<BlobStore, 'scratch'>,
  name: string,
  act: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await store.scratch(name)
  try {
    return await act(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
