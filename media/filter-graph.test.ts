import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VideoFacts } from '../protocol/plan.ts'
import { type DeepSize, filterGraph, filtersNeeded, outputColor } from './filter-graph.ts'

const UNKNOWN = { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' }
const VIDEO: VideoFacts = {
  stream: 0, codec: 'h264', profile: 'High', pixel_format: 'yuv420p', bit_depth: 8, width: 1920, height: 1080,
  sample_aspect: [1, 1], rotation: 0, mirrored: false, interlaced: false, top_field_first: true, color: UNKNOWN, hdr: false,
} // biome-ignore format: a record
const graph = (video: Partial<VideoFacts>, sizes: DeepSize[] = [{ width: 854, height: 480, bit_depth: 8 }]) =>
  filterGraph({
    video: { ...VIDEO, ...video },
    start_pts: 9_000_000,
    end_pts: 9_540_000,
    time_base: [1, 90_000],
    sizes,
  })

const EXACT = 'flags=bicubic+accurate_rnd+bitexact'
const SDR = [11, 14, 17, 23, 24, 25, 26].map((type) => `sidedata=delete:type=${type}`).join()
const SILENT = 'setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=unknown'

test('one decode is split into every rendition, scaled exactly', () => {
  assert.equal(
    graph({}, [
      { width: 854, height: 480, bit_depth: 8 },
      { width: 1280, height: 720, bit_depth: 10 },
    ]),
    '[0:v:0]trim=start_pts=9000000:end_pts=9540000,setpts=PTS-(9000000),' +
      `${SDR},split=2[s0][s1];` +
      `[s0]scale=854:480:${EXACT},setsar=1,format=yuv420p,${SILENT}[o0];` +
      `[s1]scale=1280:720:${EXACT},setsar=1,format=yuv420p10le,${SILENT}[o1]`,
  )
})

test('deinterlacing comes before trim, with the time base put back', () => {
  assert.equal(
    graph({ interlaced: true }),
    '[0:v:0]bwdif=mode=send_frame,settb=1/90000,trim=start_pts=9000000:end_pts=9540000,setpts=PTS-(9000000),' +
      `${SDR},split=1[s0];` +
      `[s0]scale=854:480:${EXACT},setsar=1,format=yuv420p,${SILENT}[o0]`,
  )
  assert.deepEqual(filtersNeeded({ ...VIDEO, interlaced: true, hdr: true }, 8), ['bwdif', 'zscale'])
  assert.deepEqual(filtersNeeded({ ...VIDEO, interlaced: true, hdr: true }, 10), ['bwdif'])
})

test('fields are put together before they are deinterlaced', () => {
  assert.match(
    graph({ interlaced: true, fields: true, top_field_first: false }),
    /^\[0:v:0\]setpts='2\*if\(mod\(N,2\),PREV_INPTS,PTS\)',weave=first_field=bottom,settb=1\/90000,setpts=PTS\/2,bwdif=/,
  )
})

test('turns and mirrors are those of ffmpeg’s autorotation', () => {
  const turn = (rotation: VideoFacts['rotation'], mirrored = false) =>
    /type=26,(?:(.*),)?split/.exec(graph({ rotation, mirrored }))?.[1]
  assert.deepEqual(
    [turn(0), turn(90), turn(180), turn(270)],
    [undefined, 'transpose=clock', 'hflip,vflip', 'transpose=cclock'],
  )
  assert.deepEqual(
    [turn(0, true), turn(90, true), turn(180, true), turn(270, true)],
    ['vflip', 'transpose=cclock_flip', 'hflip', 'transpose=clock_flip'],
  )
})

test('full range becomes limited, RGB becomes BT.709, and both are said', () => {
  assert.equal(
    graph({ pixel_format: 'yuvj420p', color: { ...UNKNOWN, range: 'pc' } }).split(';')[1],
    `[s0]scale=854:480:in_range=pc:out_range=pc:${EXACT},setsar=1,format=yuvj420p,` +
      'lutyuv=y=16.5+val*219/255:u=128.5+(val-128)*224/255:v=128.5+(val-128)*224/255,' +
      'mergeplanes=map0s=0:map0p=0:map1s=0:map1p=1:map2s=0:map2p=2:format=yuv420p,' +
      'setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=tv[o0]',
  )
  assert.match(
    graph({ pixel_format: 'gbrp', color: { ...UNKNOWN, space: 'gbr' } }),
    /:out_color_matrix=bt709:out_range=tv:.*colorspace=bt709:range=tv\[o0\]$/,
  )
})

test('HDR is tone-mapped and ends in swscale', () => {
  const color = { range: 'tv', primaries: 'bt2020', transfer: 'arib-std-b67', space: 'bt2020nc' }
  assert.equal(
    graph({ hdr: true, color }),
    '[0:v:0]trim=start_pts=9000000:end_pts=9540000,setpts=PTS-(9000000),' +
      `${SDR},split=1[s0];` +
      `[s0]scale=854:480:${EXACT},setsar=1,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc:range=tv,` +
      'zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709,format=gbrp16le,' +
      `scale=out_color_matrix=bt709:out_range=tv:${EXACT},format=yuv420p,` +
      'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv[o0]',
  )
})

test('HDR of 10 bits stays as it is, with tags of BT.2020 where the source has none', () => {
  const size = [{ width: 854, height: 480, bit_depth: 10 as const }]
  const kept = (color: Partial<VideoFacts['color']>) =>
    /setsar=1,(.*)\[o0\]/.exec(graph({ hdr: true, color: { ...UNKNOWN, ...color } }, size))?.[1]
  assert.equal(
    kept({ transfer: 'smpte2084' }),
    'format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv',
  )
  assert.equal(
    kept({ primaries: 'smpte432', transfer: 'arib-std-b67', space: 'bt2020nc' }),
    'format=yuv420p10le,setparams=color_primaries=smpte432:color_trc=arib-std-b67:colorspace=bt2020nc:range=tv',
  )
})

test('full range becomes limited in 10 bits without a detour through 8', () => {
  const size = [{ width: 854, height: 480, bit_depth: 10 as const }]
  assert.match(
    graph({ pixel_format: 'yuvj420p', color: { ...UNKNOWN, range: 'pc' } }, size),
    /setsar=1,format=yuv420p10le,lutyuv=y=64\.5\+val\*876\/1023:u=512\.5\+\(val-512\)\*896\/1023:v=/,
  )
})

test('colour tags are those of the source, without names that setparams does not know', () => {
  const color = { range: 'tv', primaries: 'smpte170m', transfer: 'x:y,z', space: 'smpte170m' }
  assert.deepEqual(outputColor({ ...VIDEO, color }, 8), { ...color, transfer: 'unknown' })
})
