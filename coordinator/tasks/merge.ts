/**
 * The runner of `merge` tasks: fetches every chunk, joins and muxes the renditions, verifies, and puts the results into the store. A lost
 * output fails the attempt with `input_missing`; the duty that replicates to the leader then has it made again.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Artifact, MEDIA_TYPES, renditionPath } from '../../protocol/artifact.ts'
import { withIntactBlobs } from '../../protocol/blobs.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { packagingOf } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import type { Runner } from '../../protocol/runner.ts'
import { gatherEncoded } from './gather-encoded.ts'
import type { RunnerParts } from './runner-parts.ts'

/** The parts that a merge uses. */
export interface MergeOptions extends RunnerParts {
  readonly emit: Emit
}

/**
 * Makes the runner. Its result names the blobs of the finished files. It rejects with `AttemptFailed`.
 */
export function createMergeRunner(options: MergeOptions): Runner {
  const { self, store, media } = options
  return async ({ held, signal, progress }) => {
    const { task } = held[0]
    const parts = await gatherEncoded(options, task.video_id, signal)
    const scratch = await store.scratch('merge')
    try {
      const packaging = packagingOf(parts.plan)
      const pathOf = (rendition: RenditionId) => join(scratch, `${rendition}.${packaging}`)
      await withIntactBlobs({ store, video: task.video_id, blobs: parts.blobs, signal }, async () => {
        await media.merge({
          plan: parts.plan,
          renditions: [...parts.chunks].map(([rendition, chunks]) => ({ rendition, chunks, out: pathOf(rendition) })),
          audio: parts.audio,
          extra: parts.extra,
          signal,
          onProgress: (done) => progress(done, 0),
          // `status` reads the notes of a video from its events.
          onNote: (note) => void options.emit({ code: 'note', peer: self, video: task.video_id, note }),
        })
      })
      const outputs: Artifact[] = []
      for (const rendition of parts.chunks.keys()) {
        const ref = await store.put(task.video_id, pathOf(rendition))
        const path = renditionPath(rendition, packaging)
        outputs.push({ path, media_type: MEDIA_TYPES[packaging], ...ref, holders: [self] })
      }
      return [{ task: task._id, ok: true, output: null, outputs }]
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
}
