/**
 * The runner of `package` tasks: fetches every chunk, makes the streaming package, and puts its files into the store. It reads what a merge reads,
 * beside it, and copies bytes: a film of two hours takes seconds, which is what the loss of the leader costs.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../../protocol/artifact.ts'
import { withIntactBlobs } from '../../protocol/blobs.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import { packagePath } from '../../protocol/package.ts'
import type { Runner } from '../../protocol/runner.ts'
import { gatherEncoded } from './gather-encoded.ts'
import type { RunnerParts } from './runner-parts.ts'

/** Makes the runner. Its result names the blobs of the package's files, the manifests last. It rejects with `AttemptFailed`. */
export function createPackageRunner(options: RunnerParts): Runner {
  const { self, store, exchange, media } = options
  return async ({ held, signal, progress }) => {
    const { task } = held[0]
    const video = task.video_id
    const { recipe, source, plan, chunks, audio, extra, blobs } = await gatherEncoded(options, video, signal)
    const asked = recipe.package
    if (!asked) throw new AttemptFailed('unexpected', `video ${video} asks for no package`)
    const { holders } = source
    const key = asked.key ? await exchange.fetch({ ...asked.key, holders, video, signal, isRead: true }) : null
    const scratch = await store.scratch('package')
    try {
      const outDir = join(scratch, 'package')
      await mkdir(outDir)
      const files = await withIntactBlobs({ store, video, blobs, signal }, () =>
        media.package({
          package: asked,
          key,
          plan,
          renditions: [...chunks].map(([rendition, paths]) => ({ rendition, chunks: paths })),
          audio,
          extra,
          outDir,
          onProgress: (done) => progress(done, 0),
          signal,
        }),
      )
      const outputs: Artifact[] = []
      for (const { name, path, ...form } of files)
        outputs.push({ path: packagePath(name), ...form, ...(await store.put(video, path)), holders: [self] })
      return [{ task: task._id, ok: true, output: null, outputs }]
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
}
