/**
 * Loaded before every test file. In `npm test` property tests draw the same cases each time, so that its verdict depends on
 * the change alone; `npm run test:all` is the search: other cases each time, and many more. A failure prints its seed,
 * and `REELMESH_SEED` replays it.
 */
import fc from 'fast-check'

const { REELMESH_ALL: all, REELMESH_SEED: seed = all ? undefined : '1' } = process.env
fc.configureGlobal({ numRuns: all ? 20_000 : 1_000, ...(seed === undefined ? {} : { seed: Number(seed) }) })
