/** Scratch folders of the blob store that are removed after use. */
import { rm } from 'node:fs/promises'
import type { BlobStore } from '../protocol/blobs.ts'

/** Runs `act` with a new scratch folder and removes the folder afterwards in any case. Answers and rejects as `act`. */
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
