/**
 * The key by which tasks of equal priority are claimed: `due` of videos and tasks, ms since 1970, the least first. A ledger's index serves it,
 * so that a claim stays one compare-and-set; the leader writes it anew where its decision changes (coordinator/policy/claim-order.ts).
 *
 * Keys lie in four bands, `BAND_MS` apart, so that one number says both the band and the place in it:
 *
 * | band     | videos                                                    | place in it                                    |
 * |----------|-----------------------------------------------------------|------------------------------------------------|
 * | promoted | what the share of the others, or another submitter, needs | as without a deadline                          |
 * | held     | deadlines that can be held                                | the latest start that still holds the deadline |
 * | late     | deadlines that no order holds                             | as without a deadline                          |
 * | rest     | without a deadline                                        | created_at + the duration of the source        |
 */

/** Distance of two bands, ms: ten years. Deadlines are nearer than half of it (`DEADLINE_MAX_MS`), so that no place lies in another band. */
export const BAND_MS = 10 * 365 * 86_400_000
/** Farthest deadline, ms from now: a year is taken for a slip of the pen beyond it. */
export const DEADLINE_MAX_MS = 2 * 365 * 86_400_000

/** The bands, the one that is claimed first last. */
const BANDS = ['rest', 'late', 'held', 'promoted'] as const
/** One of the bands. */
export type Band = (typeof BANDS)[number]

/** The key of a place, ms since 1970, in a band. */
export const keyIn = (band: Band, place: number): number => Math.round(place) - BANDS.indexOf(band) * BAND_MS

/** The band of a key, and the place in it, ms since 1970. `created_at`: of the video, near which every place lies. */
export function placeOf(key: number, created_at: number): { band: Band; place: number } {
  const down = Math.max(0, Math.min(BANDS.length - 1, Math.round((created_at - key) / BAND_MS)))
  return { band: BANDS[down]!, place: key + down * BAND_MS }
}

/** The key of a video that is not planned yet: its submit, or its deadline as if no time were needed. `at`: of the submit, ms. */
export const firstKey = (at: number, deadline: number | null): number =>
  deadline === null ? at : keyIn('held', deadline)
