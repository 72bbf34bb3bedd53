/** Recordings whose clock jumps forward: the gap is closed up, in picture and sound alike, and a note says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes, sounds } from '../../../testing/sources/measure.ts'
import { picture, type RealCase, realCase, runOrCannot, tone, X264 } from '../../../testing/sources/real.ts'

const PARTS = ['1.part', '2.part', '3.part']

/** Parts of 3 s, each at another second of the clock, one after the other. */
async function recording(
  real: RealCase,
  name: string,
  at: readonly number[],
  codecs: readonly string[],
): Promise<string> {
  for (const [part, second] of at.entries()) {
    const input = [...picture({ seconds: 3 }), ...tone({ seconds: 3, hz: 440 + 220 * part })]
    await real.make(PARTS[part]!, [...input, ...codecs, '-output_ts_offset', String(second)])
  }
  return await real.join(name, PARTS.slice(0, at.length))
}

const evenly = (frames: number): number[] => Array.from({ length: frames }, (_, at) => Number((at / 25).toFixed(3)))
const rounded = (times: readonly number[]): number[] => times.map((time) => Number((time - (times[0] ?? 0)).toFixed(3)))

for (const [what, codecs, name] of [
  ['H.264 with B-frames in a TS', [...X264, '-bf', '2', '-g', '25', '-c:a', 'mp2', '-f', 'mpegts'], 'a.ts'],
  ['MPEG-2 in a program stream', ['-c:v', 'mpeg2video', '-g', '12', '-bf', '2', '-c:a', 'mp2', '-f', 'vob'], 'a.mpg'],
] as const)
  test(`an hour that is only on the clock is closed up: ${what}`, async (t) => {
    const real = await realCase(t)
    const result = await runOrCannot(real, await recording(real, name, [0, 3600], codecs))
    if (result === null) return
    const { output, notes, plan } = result
    const times = await frameTimes(output)
    assert.deepEqual(rounded(times), evenly(times.length))
    assert.ok(Math.abs(times.length - 150) <= 2, `${times.length} frames`)
    const [sound] = await sounds(output)
    assert.ok(Math.abs((sound?.samples ?? 0) / 48_000 - 6) < 0.15, `${sound?.samples} samples`)
    assert.ok(
      plan.jumps?.length === 1 && notes.some((note) => /jump forward after 3\.\d s/.test(note)),
      notes.join(' '),
    )
  })

test('of three parts both jumps are closed, and the sound of each part is at its place', async (t) => {
  const real = await realCase(t)
  const codecs = [...X264, '-g', '25', '-c:a', 'mp2', '-f', 'mpegts']
  const result = await runOrCannot(real, await recording(real, 'a.ts', [10, 500, 40_000], codecs))
  if (result === null) return
  const { output } = result
  assert.equal((await frameTimes(output)).length, 225)
  assert.ok(Math.abs(((await sounds(output))[0]?.samples ?? 0) / 48_000 - 9) < 0.2)
})

test('a pause that the sound plays through stays', async (t) => {
  const real = await realCase(t)
  const filter = "select='lt(t,2)+gt(t,14)'"
  const source = await real.make('a.ts', [
    ...picture({ seconds: 16 }), ...tone({ seconds: 16 }), '-vf', filter, '-fps_mode', 'passthrough', ...X264, '-g', '10', '-c:a', 'mp2',
  ]) // biome-ignore format: groups
  const result = await runOrCannot(real, source)
  if (result === null) return
  const { output, plan } = result
  assert.equal(plan.jumps, undefined)
  assert.ok(((await frameTimes(output)).at(-1) ?? 0) > 15)
})
