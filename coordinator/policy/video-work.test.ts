/** Work is weighed by the speeds that were measured of each encoder and preset, and only by peers that can encode the class. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calibrationOf, secondsFor } from '../../fleet/scaling/scaling-speed.ts'
import { asPeerId, type Sha256, taskId, type VideoId } from '../../protocol/ids.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import { createPeerSpeeds } from '../peer-speeds.ts'
import type { Length } from '../plan-lengths.ts'
import { type WorkingPeer, workOf } from './video-work.ts'

const rendition = (id: string, codec: string, preset: string, encoder: string, cost: number): RenditionPlan => ({
  ...{ id, codec, preset, cost, width: 1280, height: 720, rate: { crf: 30 }, bit_depth: 8 },
  ...{ class: `h264>${encoder}/${id}`, signature: '' as Sha256 },
})
const avc = rendition('720p', 'h264', 'medium', 'x264', 1)
const av1 = rendition('720p-av1', 'av1', '8', 'svtav1-4-1-0', 2)
const length = (...renditions: RenditionPlan[]): Length => ({ seconds: 60, chunks: 10, renditions })
const none = () => 0

const peer = (name: string, encoders: string[], speeds: Record<string, number> = {}): WorkingPeer => ({
  ...{ name, slots: 2, running: [] },
  capability: { decoders: ['h264'], encoders, filters: [], renditions: 'all', kinds: [] },
  calibration: calibrationOf(speeds),
})

describe('the work of a video', () => {
  test('is what each codec takes at the measured speed of its preset', () => {
    const nas = peer('nas', ['x264', 'svtav1-4-1-0'], { 'x264/medium': 1, 'svtav1/8': 5 })
    assert.equal(workOf(length(avc), none, [nas]).work_s, (60 * 1) / 2)
    assert.equal(workOf(length(av1), none, [nas]).work_s, (60 * 2 * 5) / 2)
    assert.equal(workOf(length(avc, av1), none, [nas]).work_s, (60 * (1 + 10)) / 2)
  })

  test('is done at the speeds of those who can encode it', () => {
    const fast = peer('fast', ['x264', 'svtav1-4-1-0'], { 'svtav1/8': 1 })
    const slow = peer('slow', ['x264', 'svtav1-4-1-0'], { 'svtav1/8': 4 })
    const other = peer('other', ['x264', 'svtav1-1-4-1'], { 'svtav1/8': 0.1 })
    const alone = workOf(length(av1), none, [fast]).work_s
    assert.equal(workOf(length(av1), none, [slow]).work_s, 4 * alone)
    assert.equal(workOf(length(av1), none, [fast, other]).work_s, alone, 'another build does not help')
    assert.ok(Math.abs(workOf(length(av1), none, [fast, slow]).work_s - alone / 1.25) < 1e-9)
    assert.equal(workOf(length(av1), none, [other]).work_s, Number.POSITIVE_INFINITY)
  })
})

describe('the speeds of peers', () => {
  const [ann, bob] = ['a', 'b'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`)) as [
    ReturnType<typeof asPeerId>,
    ReturnType<typeof asPeerId>,
  ]
  const film = '0123456789abcdef' as VideoId
  const running = (speed: number) => [{ task: taskId(film, '720p', 0), attempt: 1, done: 0.5, speed }]
  const seconds = (calibration: WorkingPeer['calibration']) => secondsFor(calibration, avc)

  test('are what a peer said of itself, until its encodes have been seen, and then what they show', () => {
    const speeds = createPeerSpeeds()
    const lengths = new Map([[film, length(avc)]])
    for (let n = 0; n < 200; n++) speeds.measure(new Map([[bob, running(0.25)]]), lengths)
    assert.ok(Math.abs(seconds(speeds.of(ann)) - 4) < 0.01, 'nothing said: as all the others')
    assert.equal(seconds(speeds.of(ann, { 'x264/medium': 0.5 })), 0.5)
    assert.ok(Math.abs(seconds(speeds.of(bob, { 'x264/medium': 0.5 })) - 4) < 0.01)
  })
})
