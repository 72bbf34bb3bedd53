/** Files that arrived broken: what their own decoder still shows must be in the output, no more and no less. */
import { type Source, source } from '../source.ts'
import { CLOSED_GOP, FILM_EXPECTED, film, h264, USUAL } from './film.ts'

const DAMAGED = { ...FILM_EXPECTED, numbers: null } as const

export const damagedSources: readonly Source[] = [
  source(
    {
      name: 'corrupt-mp4',
      file: 'corrupt.mp4',
      what: 'some slices of an MP4 have flipped bytes',
      quick: true,
      steps: [
        ...film({ out: 'corrupt.mp4', video: USUAL }),
        { do: 'damage', file: 'corrupt.mp4', packets: [31, 77, 180], heads: [140, 233] },
      ],
    },
    { ...DAMAGED, lossMax: 100 },
  ),
  source(
    {
      name: 'corrupt-ts',
      file: 'corrupt.ts',
      what: 'bytes of a transport stream were lost on the way',
      cannotOn: ['6.0'],
      steps: [
        ...film({ out: 'corrupt.ts', video: USUAL }),
        { do: 'damage', file: 'corrupt.ts', packets: [40, 111, 140], heads: [] },
      ],
    },
    { ...DAMAGED, lossMax: 100 },
  ),
  source(
    {
      name: 'lossy-ts',
      file: 'lossy.ts',
      what: 'every 311th transport packet was lost: a bad aerial',
      cannotOn: ['6.0'],
      steps: [...film({ out: 'lossy.ts', video: USUAL }), { do: 'lose', file: 'lossy.ts', every: 311 }],
    },
    { ...DAMAGED, lossMax: 100 },
  ),
  source(
    {
      name: 'hole-mp4',
      file: 'hole.mp4',
      what: 'an MP4 with a hole of zeros in the middle, as an unfinished torrent leaves it',
      steps: [...film({ out: 'hole.mp4', video: USUAL }), { do: 'hole', file: 'hole.mp4', at: 0.4, bytes: 6000 }],
    },
    { ...DAMAGED, lossMax: 150 },
  ),
  source(
    {
      name: 'hole-mkv',
      file: 'hole.mkv',
      what: 'the same in Matroska, whose reader looks for the next cluster',
      steps: [...film({ out: 'hole.mkv', video: USUAL }), { do: 'hole', file: 'hole.mkv', at: 0.4, bytes: 6000 }],
    },
    { ...DAMAGED, lossMax: 150 },
  ),
  source(
    {
      name: 'truncated-mkv',
      file: 'truncated.mkv',
      what: 'a Matroska file whose download stopped',
      steps: [...film({ out: 'truncated.mkv', video: USUAL }), { do: 'truncate', file: 'truncated.mkv', keep: 0.8 }],
    },
    { ...DAMAGED, lossMax: 100 },
  ),
  source(
    {
      name: 'truncated-faststart',
      file: 'truncated-faststart.mp4',
      what: 'an MP4 whose index came first and whose download stopped: the index names packets that are not there',
      steps: [
        ...film({ out: 'truncated-faststart.mp4', video: USUAL, output: ['-movflags', '+faststart'] }),
        { do: 'truncate', file: 'truncated-faststart.mp4', keep: 0.8 },
      ],
    },
    { ...DAMAGED, lossMax: 100 },
  ),
  source(
    {
      name: 'broken-start',
      file: 'broken-start.ts',
      what: 'a recording that began in the middle of an open GOP: its first frames cannot be decoded',
      cannotOn: ['6.0'],
      steps: [
        ...film({ out: 'broken-start.ts', numbers: [0, 400], video: h264(`${CLOSED_GOP}:open-gop=1`) }),
        { do: 'behead', file: 'broken-start.ts', drop: 0.1 },
      ],
    },
    { ...DAMAGED, lossMax: 60 },
  ),
]
