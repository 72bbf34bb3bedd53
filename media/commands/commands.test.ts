import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AudioFacts, NO_METADATA, type VideoFacts } from '../../protocol/plan.ts'
import { DEFAULT_ENCODING } from '../../protocol/recipe.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import { HDR_ENTRIES } from '../hdr-data.ts'
import { audioArgs, canGrow, decodedCodec, decodedFilter, encodedLayout } from './audio.ts'
import { type Encoded, encodeArgs, type Output, type Settings } from './encode.ts'
import { concatList, type MergeArgs, mergeArgs } from './merge.ts'
import { checksumArgs, compareArgs, fieldsOf, frameArgs, hashArgs, packetArgs, probeArgs } from './read.ts'
import { audioExtraArgs, coverArgs, losslessArgs, splitArgs } from './split.ts'
import { decodeTextArgs, packetBytesArgs } from './text.ts'

const CONTAINERS =
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mxf,wav,mp3,aac,flac,dv,gxf,rm,nut,' +
  'wtv,nsv,nuv,dhav,pva,ty,swf,smjpeg,mpjpeg,film_cpk,roq,smk,bink,flic,yuv4mpegpipe,filmstrip,ser,gif,apng,mjpeg,jpeg_pipe,' +
  'h264,hevc,mpegvideo,m4v,h261,h263,vc1,dirac,dnxhd,cavsvideo,avs2,avs3,vvc,evc,av1,obu,ivf'
const SAFE = `-protocol_whitelist file -format_whitelist ${CONTAINERS}`
const SAFE_LIST = '-protocol_whitelist file -format_whitelist concat,mov'
const HEAD = '-nostdin -hide_banner -v warning -y -progress pipe:1 -nostats'
/** Whole command lines as text: none of these arguments holds a blank. */
const words = (text: string) => text.trim().split(/\s+/)

test('a source is probed, its packets listed and its frames decoded behind the whitelist', () => {
  assert.deepEqual(
    probeArgs('/a/-x.mp4', { packets: false }),
    words(
      `-hide_banner -v warning ${SAFE} -show_format -show_streams -show_chapters -show_programs -of json=compact=1 -i file:/a/-x.mp4`,
    ),
  )
  assert.deepEqual(
    probeArgs('/a.mp4', { packets: true }),
    words(
      `-hide_banner -v warning ${SAFE} -show_format -show_streams -show_chapters -show_programs -show_data_hash murmur3
      -show_entries packet=pts,dts,duration,flags,size,pos,data_hash,stream_index:packet_side_data=side_data_type -of json=compact=1 -i file:/a.mp4`,
    ),
  )
  assert.deepEqual(
    packetArgs({ source: '/a.mpg', stream: 2, genpts: true }),
    words(
      `-hide_banner -v warning ${SAFE} -fflags +genpts -select_streams 2 -show_data_hash murmur3 -show_entries packet=pts,dts,duration,flags,size,pos,data_hash:stream=time_base,pix_fmt -of compact=p=0 -i file:/a.mpg`,
    ),
  )
  assert.deepEqual(
    hashArgs(['/1.nut', '/2.nut']),
    words(`-nostdin -hide_banner -v warning -y ${SAFE} -copyts -i file:/1.nut ${SAFE} -copyts -i file:/2.nut -map 0:0 -map 1:0
      -c copy -f framehash -hash murmur3 pipe:1`),
  )
  assert.deepEqual(
    frameArgs({ source: '/a.ts', stream: 0, genpts: false, packets: 40 }),
    words(
      `-hide_banner -v warning ${SAFE} -threads 1 -select_streams 0 -read_intervals %+#40 -show_entries frame=pts,best_effort_timestamp,interlaced_frame,top_field_first:frame_side_data=side_data_type,${HDR_ENTRIES} -of compact=p=0 -i file:/a.ts`,
    ),
  )
  assert.deepEqual(
    checksumArgs({ source: '/a.mp4', stream: 1, genpts: true, timeBase: [1001, 30_000], frames: 40 }),
    words(`-nostdin -hide_banner -v warning -y ${SAFE} -fflags +genpts -threads 1 -copyts -i file:/a.mp4 -map 0:1 -fps_mode passthrough
      -enc_time_base 1001:30000 -frames:v 40 -f framecrc pipe:1`),
  )
  assert.deepEqual(
    [...fieldsOf('pts=1|dts=N/A|flags=K_|')],
    [
      ['pts', '1'],
      ['dts', 'N/A'],
      ['flags', 'K_'],
    ],
  )
})

const SPLIT = {
  source: '/a b.mkv', stream: 1, genpts: false, seek: 12.5, stop: 20.0205, offset: 100, container: 'nut', timeBase: [1, 1000], out: '/c.nut',
} as const // biome-ignore format: a record
const NUT = '-avoid_negative_ts disabled -f nut file:/c.nut'

test('a chunk is copied from its keyframe to its last packet, into NUT', () => {
  assert.deepEqual(splitArgs([SPLIT]), [
    ...words(`${HEAD} ${SAFE} -copyts -seek_timestamp 1 -ss 12.500000 -i`), 'file:/a b.mkv',
    ...words(`-map 0:1 -c copy -map_metadata -1 -map_chapters -1 -to 20.020500 -output_ts_offset 100 ${NUT}`),
  ]) // biome-ignore format: groups
  assert.deepEqual(
    splitArgs([{ ...SPLIT, source: '/a.mpg', genpts: true, seek: null, stop: null }]),
    words(
      `${HEAD} ${SAFE} -fflags +genpts -copyts -i file:/a.mpg -map 0:1 -c copy -map_metadata -1 -map_chapters -1 -output_ts_offset 100 ${NUT}`,
    ),
  )
})

test('in MOV the time scale of the source keeps times exact; a lossless cut is FFV1 with the same times', () => {
  assert.deepEqual(
    splitArgs([{ ...SPLIT, container: 'mov', timeBase: [1, 12_800] }]).slice(-9),
    words('-avoid_negative_ts disabled -video_track_timescale 12800 -movie_timescale 12800 -f mov file:/c.nut'),
  )
  const { stop, container, ...common } = SPLIT
  assert.deepEqual(
    losslessArgs({ ...common, source: '/a.mkv', start_pts: 9, end_pts: 99, filters: ['format=bgr0'] }),
    words(`${HEAD} -max_error_rate 1 ${SAFE} -noautorotate -threads 1 -copyts -seek_timestamp 1 -noaccurate_seek -ss 12.500000 -i file:/a.mkv -map 0:1
      -filter:v trim=start_pts=9:end_pts=99,format=bgr0 -fps_mode passthrough -enc_time_base 1:1000
      -c:v ffv1 -level 3 -g 1 -threads 1 -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact
      -output_ts_offset 100 ${NUT}`),
  )
})

test('pictures of several inputs are compared by one ffmpeg', () => {
  const source = {
    path: '/a.ts',
    stream: 2,
    genpts: true,
    seek: 300,
    start_pts: 9,
    end_pts: 18,
    timeBase: [1, 90_000],
    filters: [],
  } as const
  const cut = {
    ...source,
    path: '/c',
    stream: 0,
    genpts: false,
    seek: null,
    timeBase: [1, 1000],
    filters: ['format=bgr0'],
  } as const
  assert.deepEqual(
    compareArgs([source, cut]),
    words(`-nostdin -hide_banner -v warning -y -max_error_rate 1
      ${SAFE} -fflags +genpts -noautorotate -threads 1 -copyts -seek_timestamp 1 -noaccurate_seek -ss 300.000000 -i file:/a.ts
      ${SAFE} -noautorotate -threads 1 -copyts -i file:/c
      -map 0:2 -filter:v:0 trim=start_pts=9:end_pts=18,setpts=PTS-(9) -enc_time_base:v:0 1:90000
      -map 1:0 -filter:v:1 trim=start_pts=9:end_pts=18,setpts=PTS-(9),format=bgr0 -enc_time_base:v:1 1:1000
      -fps_mode passthrough -f framecrc pipe:1`),
  )
})

test('a source that is read straight is turned by ffmpeg, and counted where it has no times', () => {
  const settings: Settings = { ...SETTINGS, video: { ...VIDEO, rotation: 90 }, counted_rate: [30_000, 1001] }
  const outputs = OUTPUTS.slice(0, 1)
  const straight = encodeArgs({ settings, input: INPUT, fromSource: true, outputs }).join(' ')
  assert.match(straight, / -r 30000\/1001 -threads 1 -copyts -i /)
  assert.doesNotMatch(straight, /transpose|-noautorotate/)
  const cut = encodeArgs({ settings, input: INPUT, fromSource: false, outputs }).join(' ')
  assert.match(cut, /-noautorotate .*transpose=clock/)
  assert.doesNotMatch(cut, / -r /)
})

test('where times are negative the shift comes before the stop', () => {
  assert.deepEqual(
    splitArgs([{ ...SPLIT, source: '/a.ts', seek: null, stop: -2 }]),
    words(
      `${HEAD} ${SAFE} -copyts -itsoffset 100.000000 -i file:/a.ts -map 0:1 -c copy -map_metadata -1 -map_chapters -1 -to 98.000000 ${NUT}`,
    ),
  )
})

test('audio is copied or decoded, covers are copied', () => {
  assert.deepEqual(
    audioExtraArgs({
      source: '/a.mkv',
      tracks: [
        { stream: 1, decoded: null },
        { stream: 3, decoded: { filter: 'anull', codec: 'flac' } },
        { silence: 'stereo' },
      ],
      offset: 100,
      out: '/c.nut',
    }),
    words(`${HEAD} -max_error_rate 1 ${SAFE} -copyts -vn -sn -dn -i file:/a.mkv -f lavfi -i anullsrc=channel_layout=stereo:duration=0.02
      -map 0:1 -c:a:0 copy -map 0:3 -filter:a:1 anull -c:a:1 flac -map 1 -c:a:2 pcm_f32le
      -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:a +bitexact -output_ts_offset 100 ${NUT}`),
  )
  assert.deepEqual(
    coverArgs({ source: '/a.mkv', covers: [3, 4], out: '/c.mkv' }),
    words(`${HEAD} ${SAFE} -i file:/a.mkv -map 0:3 -map 0:4 -c:v copy -map_metadata -1 -map_chapters -1
      -fflags +bitexact -f matroska file:/c.mkv`),
  )
})

const VIDEO: VideoFacts = {
  stream: 3, codec: 'h264', profile: 'High', pixel_format: 'yuv420p', bit_depth: 8, width: 1920, height: 1080,
  sample_aspect: [1, 1], rotation: 0, mirrored: false, interlaced: false, top_field_first: true, hdr: false,
  color: { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' },
} // biome-ignore format: a record
const SETTINGS: Settings = {
  video: VIDEO, fps: [30_000, 1001], track_timescale: 90_000, b_frames: 3, keyframe_s: 3, genpts: false, counted_rate: null,
} // biome-ignore format: a record
const INPUT = { path: '/c.nut', start_pts: 9, end_pts: 99, time_base: [1, 90_000] } as const
const SMALL: Encoded = { ...DEFAULT_ENCODING, class: 'h264>x264/480p', width: 854, height: 480 }
const HEVC = { codec: 'hevc', class: 'h264>x265-199/480p' } as const
const OUTPUTS: readonly Output[] = [
  { rendition: SMALL, path: '/480.mp4' },
  { rendition: { ...SMALL, width: 1280, height: 720 }, path: '/720.mp4' },
]
const SILENT = 'setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=unknown'
const SDR = [11, 14, 17, 23, 24, 25, 26].map((type) => `sidedata=delete:type=${type}`).join()
const scaled = (size: string) => `scale=${size}:flags=bicubic+accurate_rnd+bitexact,setsar=1,format=yuv420p,${SILENT}`
const ONE_THREAD = '-filter_threads 1 -filter_complex_threads 1'

test('one ffmpeg encodes every rendition of a chunk with x264', () => {
  const rendition = (pad: string, path: string) =>
    `-map [${pad}] -fps_mode passthrough -enc_time_base 1:90000 -c:v libx264 -preset medium -crf 23 -threads 1 -bf 3 -g 100000
    -x264-params fps=30000/1001:cpu-independent=1 -sc_threshold 0 -force_key_frames expr:gte(t,n_forced*3)
    -bsf:v filter_units=remove_types=6,setts=pts=PTS:dts=DTS:duration='if(gt(DURATION,0),DURATION,3003)'
    -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact -video_track_timescale 90000 -movie_timescale 1000 -f mp4 file:${path}`
  assert.deepEqual(
    encodeArgs({ settings: SETTINGS, input: INPUT, fromSource: false, outputs: OUTPUTS }),
    words(`${HEAD} ${ONE_THREAD} ${SAFE} -noautorotate -threads 1 -copyts -i file:/c.nut -filter_complex
      [0:v:0]trim=start_pts=9:end_pts=99,setpts=PTS-(9),${SDR},split=2[s0][s1];[s0]${scaled('854:480')}[o0];[s1]${scaled('1280:720')}[o1]
      ${rendition('o0', '/480.mp4')} ${rendition('o1', '/720.mp4')}`),
  )
})

test('x265 has its own words, and the trial frame the same command with one frame, straight from the source', () => {
  const settings: Settings = { ...SETTINGS, genpts: true, b_frames: 0 }
  const outputs = [{ rendition: { ...SMALL, ...HEVC }, path: '/480.mp4' }]
  assert.deepEqual(
    encodeArgs({ settings, input: INPUT, fromSource: true, outputs, frames: 1 }),
    words(`${HEAD} ${ONE_THREAD} ${SAFE} -fflags +genpts -noautorotate -threads 1 -copyts -i file:/c.nut -filter_complex
      [0:3]trim=start_pts=9:end_pts=99,setpts=PTS-(9),${SDR},split=1[s0];[s0]${scaled('854:480')}[o0]
      -map [o0] -fps_mode passthrough -enc_time_base 1:90000 -frames:v 1 -c:v libx265 -preset medium -crf 23 -threads 1 -bf 0 -g 100000
      -x265-params fps=30000/1001:frame-threads=1:pools=none:scenecut=0:min-keyint=1:open-gop=0:info=0:log-level=error -tag:v hvc1
      -force_key_frames expr:gte(t,n_forced*3) -bsf:v setts=pts=PTS:dts=DTS:duration='if(gt(DURATION,0),DURATION,3003)'
      -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact -video_track_timescale 90000 -movie_timescale 1000 -f mp4 file:/480.mp4`),
  )
})

test('each output has the codec and the rate of its own rendition', () => {
  const outputs: readonly Output[] = [
    { rendition: { ...SMALL, rate: { crf: 21.5, maxrate_kbps: 1800, bufsize_kb: 3600 } }, path: '/a.mp4' },
    { rendition: { ...SMALL, ...HEVC, preset: 'fast', rate: { kbps: 900 } }, path: '/b.mp4' },
    { rendition: { ...SMALL, rate: { kbps: 900, maxrate_kbps: 1350, bufsize_kb: 1800 } }, path: '/c.mp4' },
    { rendition: { ...SMALL, profile: 'main' }, path: '/d.mp4' },
  ]
  const args = encodeArgs({ settings: SETTINGS, input: INPUT, fromSource: false, outputs }).join(' ')
  const encoders = args.match(/-c:v .*? -threads \d/g)
  assert.deepEqual(encoders, [
    '-c:v libx264 -preset medium -crf 21.5 -maxrate 1800k -bufsize 3600k -threads 1',
    '-c:v libx265 -preset fast -b:v 900k -threads 1',
    '-c:v libx264 -preset medium -b:v 900k -maxrate 1350k -bufsize 1800k -threads 1',
    '-c:v libx264 -preset medium -profile:v main -crf 23 -threads 1',
  ])
  assert.equal(args.match(/-tag:v/g)?.length, 1)
})

test('the last chunks are encoded by several threads, where their bytes follow from the number of these', () => {
  const threads = (rendition: Partial<Encoded>, isThreaded = true) => {
    const outputs = [{ rendition: { ...SMALL, ...rendition }, path: '/a.mp4' }]
    return encodeArgs({ settings: SETTINGS, input: INPUT, fromSource: false, isThreaded, outputs })
      .join(' ')
      .match(/-c:v .*?(?:libx264.*? -threads |frame-threads=|lp=)(\d)/)?.[1]
  }
  assert.equal(threads({}), '4')
  assert.equal(threads({}, false), '1')
  assert.equal(threads({ rate: { crf: 20, maxrate_kbps: 1800, bufsize_kb: 3600 } }), '1')
  assert.equal(threads({ rate: { kbps: 900 } }), '1')
  assert.equal(threads(HEVC), '2')
  assert.equal(threads(HEVC, false), '1')
  assert.equal(threads({ ...HEVC, rate: { kbps: 900 } }), '1')
  const av1 = { codec: 'av1', class: 'h264>svtav1-1-4-1/small', preset: '8' } as const
  assert.equal(threads(av1), '2')
  assert.equal(threads({ ...av1, rate: { crf: 30, maxrate_kbps: 1800, bufsize_kb: 3600 } }), '1')
})

test('a range that stands alone is still said', () => {
  const settings = { ...SETTINGS, video: { ...VIDEO, color: { ...VIDEO.color, range: 'tv' } } }
  const args = encodeArgs({ settings, input: INPUT, fromSource: false, outputs: OUTPUTS.slice(0, 1) })
  assert.ok(args.includes('fps=30000/1001:cpu-independent=1:videoformat=component'))
})

const STEREO: AudioFacts = {
  stream: 1,
  codec: 'aac',
  channels: 2,
  layout: 'stereo',
  source_channels: 2,
  extra: 'copied',
  relabelled: false,
  sample_rate: 44_100,
  language: 'eng',
  title: '',
  flags: ['default'],
}
const SURROUND: AudioFacts = {
  ...STEREO,
  stream: 2,
  codec: 'opus',
  channels: 6,
  layout: '5.1(side)',
  source_channels: 6,
  extra: 'decoded',
  relabelled: true,
  language: '',
  title: 'Film music',
  flags: [],
}

/** Tracks, and those of the results as they are without audio renditions. */
const planned = (tracks: readonly AudioFacts[]) => ({
  tracks,
  sounds: soundsOf({ audio: tracks, audio_kbps: 64 }),
  packaging: 'mp4' as const,
})

test('every audio track is encoded whole, from the beginning of the results on', () => {
  const timing = 'aresample=48000:async=1:first_pts=0:min_hard_comp=0.01'
  const stereo = `asetpts=PTS-(100.000000)/TB,${timing},apad=whole_len=1024`
  const surround = `channelmap=map=0|1|2|3|4|5:channel_layout=5.1(side),asetpts=PTS-(100.000000)/TB,${timing},aformat=channel_layouts=5.1,apad=whole_len=1024`
  assert.deepEqual(
    audioArgs({ input: '/a.nut', straight: null, out: '/a.m4a', ...planned([STEREO, SURROUND]), start: 100 }),
    words(`${HEAD} -max_error_rate 1 ${SAFE} -copyts -vn -i file:/a.nut -map 0:a:0 -filter:a:0 ${stereo} -b:a:0 128k
      -map 0:a:1 -filter:a:1 ${surround} -b:a:1 384k -c:a aac -map_metadata -1 -map_chapters -1
      -fflags +bitexact -flags:a +bitexact -movie_timescale 1000 -f mp4 file:/a.m4a`),
  )
})

test('audio that is read while it grows is written twice by one encode, whatever its path; copies have the tags of MP4', () => {
  const timing = 'asetpts=PTS-(100.000000)/TB,aresample=48000:async=1:first_pts=0:min_hard_comp=0.01'
  const job = {
    input: '/a.nut',
    straight: null,
    out: "/o'f/a|b.m4a",
    growing: '/o f/g',
    start: 100,
    packaging: 'mp4',
  } as const
  const copied = { stream: SURROUND.stream, codec: 'copy', channels: 6, layout: '5.1', kbps: 0, flags: [] } as const
  const tracks = [STEREO, { ...SURROUND, codec: 'ac3' }]
  const [encoded] = planned([STEREO]).sounds
  const args = audioArgs({ ...job, tracks, sounds: [encoded!, copied] })
  assert.deepEqual(args.slice(0, -1), words(`${HEAD} -max_error_rate 1 ${SAFE} -copyts -vn -i file:/a.nut ${SAFE} -vn -sn -dn -itsoffset -100.000000 -i file:/a.nut
    -map 0:a:0 -filter:a:0 ${timing},apad=whole_len=1024 -b:a:0 128k -map 1:a:1 -tag:a:1 ac-3 -c:a:0 aac -c:a:1 copy -map_metadata -1 -map_chapters -1
    -fflags +bitexact -flags:a +bitexact -f tee`)) // biome-ignore format: as it is typed
  assert.equal(
    args.at(-1),
    "[f=mp4:movie_timescale=1000]file:/o\\'f/a\\|b.m4a|[f=mp4:onfail=ignore:movflags=+delay_moov+default_base_moof+skip_trailer:frag_duration=3000000:flush_packets=1]file:/o\\ f/g",
  )
  assert.equal(canGrow({ ...job, tracks, sounds: [copied] }), true)
  assert.equal(canGrow({ ...job, tracks: [STEREO, { ...SURROUND, codec: 'dts' }], sounds: [copied] }), false)
})

test('audio is read from the source itself as from a file of extras: all samples, later by the offset', () => {
  const tracks = [{ ...STEREO, extra: 'none' } as const]
  assert.deepEqual(
    audioArgs({ input: '/a.mp4', straight: { offset: 100 }, out: '/a.m4a', ...planned(tracks), start: 100 }),
    words(`${HEAD} -max_error_rate 1 ${SAFE} -copyts -vn -sn -dn -flags2 +skip_manual -itsoffset 100 -i file:/a.mp4
      -map 0:1 -filter:a:0 asetpts=PTS-(100.000000)/TB,aresample=48000:async=1:first_pts=0:min_hard_comp=0.01,apad=whole_len=1024 -b:a:0 128k
      -c:a aac -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:a +bitexact -movie_timescale 1000 -f mp4 file:/a.m4a`),
  )
})

test('audio renditions mix, encode as Opus and copy, each from the track of the source that it is of', () => {
  const mixed = { stream: SURROUND.stream, codec: 'opus', channels: 2, layout: 'stereo', kbps: 96, flags: [] } as const
  const copied = { ...mixed, stream: STEREO.stream, codec: 'copy', kbps: 0 } as const
  const timing = 'asetpts=PTS-(100.000000)/TB,aresample=48000:async=1:first_pts=0:min_hard_comp=0.01'
  const job = {
    input: '/a.nut',
    straight: null,
    out: '/a.m4a',
    tracks: [STEREO, SURROUND],
    start: 100,
    packaging: 'mp4',
  } as const
  assert.deepEqual(
    audioArgs({ ...job, sounds: [copied, mixed] }),
    words(`${HEAD} -max_error_rate 1 ${SAFE} -copyts -vn -i file:/a.nut ${SAFE} -vn -sn -dn -itsoffset -100.000000 -i file:/a.nut
      -map 1:a:0 -map 0:a:1 -filter:a:1 channelmap=map=0|1|2|3|4|5:channel_layout=5.1(side),${timing},aformat=channel_layouts=stereo,apad=whole_len=1024
      -b:a:1 96k -c:a:0 copy -c:a:1 libopus -map_metadata -1 -map_chapters -1
      -fflags +bitexact -flags:a +bitexact -movie_timescale 1000 -f mp4 file:/a.m4a`),
  )
})

test('the sound of a short film is a second input and one more output of the encode of its pictures', () => {
  const sound = { input: '/a.mp4', straight: { offset: 100 }, out: '/a.m4a', ...planned([STEREO]), start: 100 }
  const pictures = { settings: SETTINGS, input: INPUT, fromSource: true, outputs: OUTPUTS }
  const [alone, without, both] = [audioArgs(sound), encodeArgs(pictures), encodeArgs({ ...pictures, sound })]
  const output = alone.slice(alone.indexOf('-map')).map((word) => (word === '0:1' ? '1:1' : word))
  const input = alone.slice(alone.indexOf('-protocol_whitelist'), alone.indexOf('-map'))
  const [first, graph] = [without.indexOf('-i') + 2, words(`${HEAD} -max_error_rate 1`)]
  assert.deepEqual(both, [
    ...graph,
    ...without.slice(words(HEAD).length, first),
    ...input,
    ...without.slice(first),
    ...output,
  ])
})

test('16 channels are mixed where this build has no such AAC', () => {
  const track: AudioFacts = { ...SURROUND, channels: 16, source_channels: 16, layout: 'hexadecagonal' }
  const filter = (mixesOld: boolean) =>
    audioArgs({
      input: '/a.nut',
      straight: null,
      out: '/a.m4a',
      ...planned([track, STEREO]),
      start: 100,
      mixesOld,
    }).filter((word) => word.includes('aformat'))
  assert.deepEqual(filter(false), [])
  assert.equal(filter(true).length, 1)
  assert.match(filter(true)[0] ?? '', /aformat=channel_layouts=7\.1,/)
})

test('a track that cannot be copied is decoded on the clock of the source', () => {
  const timing =
    'asetpts=PTS-(1.500000)/TB,aresample=48000:async=1:first_pts=0:min_hard_comp=0.01,asetpts=PTS+(1.500000)/TB'
  assert.equal(decodedFilter(STEREO, 1.5), null)
  assert.equal(decodedFilter(SURROUND, 1.5), timing)
  assert.equal(decodedFilter({ ...SURROUND, extra: 'counted' }, 1.5), `asetpts=STARTPTS+N/SR/TB,${timing}`)
  const top = { ...SURROUND, channels: 8, layout: '7.1', source_channels: 24 }
  assert.equal(decodedFilter(top, 1.5), `aformat=channel_layouts=7.1,${timing}`)
  assert.match(
    decodedFilter({ ...top, channels: 1, layout: 'mono', source_channels: 10 }, 1.5) ?? '',
    /^pan=mono\|c0=0\.1000\*c0\+.*\+0\.1000\*c9,/,
  )
  assert.equal(decodedCodec(SURROUND), 'flac')
  assert.equal(decodedCodec({ ...SURROUND, channels: 16 }), 'pcm_f32le')
  assert.equal(decodedCodec({ ...SURROUND, codec: 'pcm_f64be' }), 'pcm_f32le')
})

test('layouts that AAC cannot hold are mixed to the nearest, unknown ones only where they must be', () => {
  const of = (layout: string, channels: number) => Object.values(encodedLayout({ layout, channels }))
  assert.deepEqual(of('quad(side)', 4), ['quad(side)', 4, true])
  assert.deepEqual(of('downmix', 2), ['stereo', 2, true])
  assert.deepEqual(of('1 channels (FR)', 1), ['mono', 1, true])
  assert.deepEqual(of('ambisonic 1', 4), ['4.0', 4, true])
  assert.deepEqual(of('22.2', 24), ['7.1', 8, false])
  assert.deepEqual(of('3 channels (FL+FR+TFL)', 3), ['stereo', 2, false])
  assert.deepEqual(of('17 channels', 17), ['mono', 1, false])
})

test('chunks are listed with durations that do not add up their rounding', () => {
  const third = [0, 1, 2].map((at) => ({ name: `0000${at}.mp4`, start: (at * 10) / 3 }))
  assert.equal(
    concatList(third),
    'ffconcat version 1.0\nfile 00000.mp4\nduration 3.333333\nfile 00001.mp4\nduration 3.333334\nfile 00002.mp4\n',
  )
})

test('the merge copies video, audio, subtitles and chapters with their tags', () => {
  const subtitle = { stream: 4, codec: 'ass', language: 'deu', title: '', flags: ['forced', 'comment'] } as const
  const plan = {
    audio: [STEREO, SURROUND],
    audio_kbps: 64,
    metadata: NO_METADATA,
    track_timescale: 90_000,
    lead: 0,
  } as const
  const args = mergeArgs({
    plan,
    renditions: [
      { tag: null, list: '/l', out: '/o.mp4' },
      { tag: 'hvc1', list: '/k', out: '/p.mp4' },
    ],
    audio: '/a.m4a',
    covers: null,
    subtitles: { path: '/t.mp4', tracks: [subtitle] },
    chapters: '/c.txt',
  })
  const titles = ['-metadata:s:a:1', 'title=Film music', '-metadata:s:a:1', 'handler_name=Film music']
  const output = (at: number, tag: string, out: string) => [
    ...words(`-map ${at}:v:0 -map 2:a -map 3:s -c:s copy -c:v copy -c:a copy -map_metadata:g -1 -map_metadata:s -1 -map_chapters 4
      -metadata:s:a:0 language=eng -disposition:a:0 default`), ...titles,
    ...words(`-disposition:a:1 0 -metadata:s:s:0 language=deu -disposition:s:0 forced+comment ${tag} -video_track_timescale 90000 -movie_timescale 1000
      -movflags +faststart -fflags +bitexact -f mp4 file:${out}`),
  ] // biome-ignore format: groups
  assert.deepEqual(args, [
    ...words(`${HEAD} ${SAFE_LIST} -f concat -safe 1 -auto_convert 0 -i file:/l ${SAFE_LIST} -f concat -safe 1 -auto_convert 0 -i file:/k
      ${SAFE} -i file:/a.m4a ${SAFE} -i file:/t.mp4 -protocol_whitelist file -f ffmetadata -i file:/c.txt`),
    ...output(0, '', '/o.mp4'), ...output(1, '-tag:v hvc1', '/p.mp4'),
  ]) // biome-ignore format: groups
})

test('the text of a source is decoded to ASS, with bytes that are no UTF-8, each track into a file of its own', () => {
  const tracks = [
    { stream: 2, codec: 'subrip', out: '/2.mkv' },
    { stream: 3, codec: 'dvb_teletext', out: '/3.mkv' },
  ]
  const output = '-c:s ass -map_metadata -1 -map_chapters -1 -fflags +bitexact -avoid_negative_ts disabled -f matroska'
  const moved = '-copyts -itsoffset 1000000.000000 -sub_charenc_mode ignore'
  assert.deepEqual(
    decodeTextArgs({ source: '/a.mkv' }, tracks),
    words(`${HEAD} ${SAFE} ${moved} -txt_format:3 text -i file:/a.mkv
      -map 0:2 ${output} file:/2.mkv -map 0:3 ${output} file:/3.mkv`),
  )
  assert.deepEqual(
    decodeTextArgs({ cues: '/a.vtt' }, [{ stream: 0, codec: 'webvtt', out: '/0.mkv' }]),
    words(`${HEAD} -protocol_whitelist file -f webvtt ${moved} -i file:/a.vtt -map 0:0 ${output} file:/0.mkv`),
  )
  assert.deepEqual(
    packetBytesArgs('/a.mkv', 2),
    words(`-hide_banner -v warning ${SAFE} -select_streams 2
      -show_entries packet=pts_time,duration_time,data -show_data -of default -i file:/a.mkv`),
  )
})

test('tags, a timecode and covers go to the file, its picture and behind the other tracks', () => {
  const picture = { language: 'fra', title: 'Cut', flags: ['default'], timecode: '01:02:03:04' } as const
  const metadata = { tags: { title: 'A=B' }, picture, covers: [{ stream: 2, codec: 'mjpeg' }] }
  const plan = { audio: [STEREO], audio_kbps: 64, metadata, track_timescale: 12_800, lead: 0 } as const
  const inputs = { audio: '/a.m4a', covers: '/c.mkv', subtitles: null, chapters: null }
  const args = mergeArgs({ plan, renditions: [MERGED], ...inputs }).join(' ')
  assert.match(args, /-map 0:v:0 -map 1:a -map 2:v -c:v copy/)
  assert.ok(
    args.includes(
      '-metadata title=A=B -metadata:s:v:0 language=fra -metadata:s:v:0 title=Cut -metadata:s:v:0 handler_name=Cut -metadata:s:v:0 timecode=01:02:03:04 -disposition:v:1 attached_pic -metadata:s:a:0',
    ),
    args,
  )
})

const MERGED = { tag: null, list: '/l', out: '/o.mp4' }
const VIDEO_ALONE: MergeArgs = {
  plan: { audio: [], audio_kbps: 64, metadata: NO_METADATA, track_timescale: 12_800, lead: 0 },
  renditions: [MERGED], audio: null, covers: null, subtitles: null, chapters: null,
} // biome-ignore format: a record

test('a film without sound and chapters is video alone', () => {
  assert.deepEqual(
    mergeArgs({ ...VIDEO_ALONE, renditions: [{ ...MERGED, tag: 'hvc1' }] }),
    words(`${HEAD} ${SAFE_LIST} -f concat -safe 1 -auto_convert 0 -i file:/l -map 0:v:0 -c:v copy -c:a copy -map_metadata:g -1 -map_metadata:s -1
      -map_chapters -1 -tag:v hvc1 -video_track_timescale 12800 -movie_timescale 1000 -movflags +faststart -fflags +bitexact -f mp4 file:/o.mp4`),
  )
})

test('a film that begins with its sound shows the picture later, to the tick', () => {
  const plan = { ...VIDEO_ALONE.plan, lead: 38_400 }
  const args = mergeArgs({ ...VIDEO_ALONE, plan }).join(' ')
  assert.match(
    args,
    /-itsoffset 3\.000000 -protocol_whitelist file -format_whitelist concat,mov -f concat -safe 1 -auto_convert 0 -i file:\/l/,
  )
  assert.match(args, /-movie_timescale 12800/)
})
