/** The manifest of DASH of a film that is being encoded: what it lists, and when players think that it is. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'mpd-parser'
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import { type GrowingTrack, growingDash } from './growing-manifests.ts'
import { textFacts } from './text-facts.ts'

const SUBMITTED = Date.UTC(2026, 10, 29)
const PLAN = {
  start_pts: 0,
  end_pts: 18,
  time_base: [1, 1],
  chunks: [1, 2, 3],
  audio: [{ language: 'eng', title: '', flags: [], channels: 2 }],
  audio_kbps: 128,
} as unknown as Plan
const RENDITION = { width: 320, height: 180, rate: { crf: 23 } } as unknown as RenditionPlan

/** A track with so many segments of 6 s, of 3 in all. */
const track = (name: string, segments: number, more: Partial<GrowingTrack> = {}): GrowingTrack => ({
  name,
  timescale: 1_000,
  longest: 9,
  init: Buffer.alloc(0),
  codecs: 'mp4a.40.2',
  segments: Array.from({ length: segments }, (_, at) => ({
    start: 6_000 * at,
    duration: 6_000,
    bytes: 600_000,
    pieces: () => [],
  })),
  isWhole: segments === 3,
  ...more,
})
const picture: GrowingTrack['picture'] = { range: 'SDR', hasCaptions: false, fps: [25, 1], rendition: RENDITION }
const texts = textFacts([{ language: 'eng', title: '', flags: [], stream: 2, codec: 'subrip' }])
const manifest = (pictures: number, sounds: number): string =>
  growingDash(
    PLAN,
    { tracks: [track('video-180p', pictures, { codecs: 'avc1.64000D', picture }), track('audio-1', sounds)], texts },
    { from: SUBMITTED, key: null },
  )

const listed = (text: string): number[] =>
  [...text.matchAll(/<S t="0" d="6000"(?: r="(\d)")?\/>/g)].map(([, more = '0']) => Number(more) + 1)

describe('the manifest of a film that is being encoded', () => {
  it('lists every track as far as all of them are there, under names that stay', () => {
    const text = manifest(1, 3)
    assert.deepEqual(listed(text), [1, 1])
    assert.match(text, /media="live-video-180p-\$Number\$\.m4s" startNumber="1"/)
    assert.deepEqual(listed(manifest(2, 3)), [2, 2])
  })
  it('does not wait for sound that ends before the picture', () => {
    const short = { ...track('audio-1', 1), isWhole: true }
    const tracks = [track('video-180p', 2, { codecs: 'avc1.64000D', picture }), short]
    const text = growingDash(PLAN, { tracks, texts: [] }, { from: SUBMITTED, key: null })
    assert.deepEqual(listed(text), [2, 1])
  })
  it('has players begin with the first picture: its clock is at the end of what is listed, and the delay is longer', () => {
    const text = manifest(2, 2)
    const value = (name: string) => new RegExp(`${name}="([^"]+)"`).exec(text)?.[1]
    assert.equal(value('type'), 'dynamic')
    assert.equal(value('availabilityStartTime'), '2026-11-29T00:00:00.000Z')
    assert.equal(value('direct:2014" value'), '2026-11-29T00:00:12.000Z')
    assert.equal(value('suggestedPresentationDelay'), 'PT22.000000S')
    assert.match(text, /<Location>live-manifest\.mpd<\/Location>/)
  })
  it('has each text whole from the beginning, and says how long the film will be: Shaka Player shows none without', () => {
    const growing = manifest(1, 1)
    assert.match(growing, /<Period id="0" start="PT0S" duration="PT18\.000000S">/)
    for (const text of [growing, manifest(3, 3)])
      assert.match(text, /mimeType="text\/vtt" lang="en">[\s\S]*<BaseURL>live-text-1\.vtt<\/BaseURL>/)
  })
  it('is the same whenever it is asked for, and of the same bandwidths until the end', () => {
    assert.equal(manifest(2, 3), manifest(2, 2))
    const rates = (text: string) => text.match(/bandwidth="\d+"/g)
    assert.deepEqual(rates(manifest(1, 1)), rates(manifest(3, 3)))
  })
  it('becomes static with its last segment', () => {
    const text = manifest(3, 3)
    assert.match(text, /type="static" mediaPresentationDuration="PT18\.000000S"/)
    assert.doesNotMatch(text, /Location|UTCTiming|minimumUpdatePeriod| duration=/)
    const [video] = parse(text, { manifestUri: 'https://example.org/live-manifest.mpd' }).playlists
    assert.deepEqual(
      video.segments.map(({ uri }: { uri: string }) => uri),
      [1, 2, 3].map((number) => `live-video-180p-${number}.m4s`),
    )
  })
})
