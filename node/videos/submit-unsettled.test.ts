import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SourceUnsettled } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import { openSource } from '../addresses.ts'
import { createSubmit, type SubmitOptions } from './submit.ts'

test('a file that grows while it is read is refused as one that may be whole later', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-submit-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'film.mp4')
  await writeFile(path, 'the first half')
  const media = { checkRecipe() {}, check: async () => {} } as unknown as Media
  const submit = createSubmit({ media, openSource, mustBeAble: async () => {} } as unknown as SubmitOptions)
  // Asked before each piece that is read: the writer goes on in the midst of it.
  let writes = 0
  const signal = {
    throwIfAborted: () => writes++ === 0 && appendFileSync(path, ' and the rest'),
  } as unknown as AbortSignal
  const request = { path, recipe: DEFAULT_RECIPE, priority: 0, deadline: null, out: null, signal }
  await assert.rejects(submit(request), (error) => {
    assert.ok(error instanceof SourceUnsettled)
    assert.equal(error.code, 'source_refused', 'a submit by hand gets the code of any bad file')
    assert.match(error.message, /film\.mp4 is still being written/)
    return true
  })
})
