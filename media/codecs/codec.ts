/**
 * A codec as data: all that the code asks of one. Each is one file of this folder, listed in `codecs.ts`; no other file compares
 * names of codecs or encoders. A file without one of the answers does not compile (`satisfies Codec`).
 */
import type { HdrData } from '../../protocol/hdr.ts'
import type { Plan, RenditionPlan, VideoFacts } from '../../protocol/plan.ts'
import type { Rendition } from '../../protocol/rendition.ts'

/** How to encode a rendition, apart from its size and codec. */
export type Encoding = Pick<Rendition, 'rate' | 'preset' | 'bit_depth' | 'profile'>

/** The input of an encoder's options. */
export interface EncoderJob extends Encoding, Pick<Plan, 'fps' | 'b_frames'> {
  /** Colour tags to write into the stream; the frames have the same. */
  readonly color: VideoFacts['color']
  /** What to say of the HDR of the picture; nothing of a picture that has none. */
  readonly hdr: HdrData
  /** Threads of the encoder: more than one only as `lastChunkThreads` says. */
  readonly threads: number
}

/** How builds of an encoder whose bytes differ are distinguished: by one more trial run. */
export interface FamilyTrial {
  /** Options of an encode of one frame, from `-c:v` to the container's `-f`. */
  readonly args: readonly string[]
  /**
   * The build family, lower-case letters, digits and dashes, from the file of the trial and from ffmpeg's log; null where neither shows it: the
   * codec then counts as missing.
   */
  read(file: Buffer, log: string): string | null
}

/** The picture that an encode is amended for. */
export type AmendJob = Pick<RenditionPlan, 'width' | 'height'> & Pick<EncoderJob, 'fps' | 'hdr'>

/** What is changed in an encode of one frame or of a chunk. */
export interface Amendment {
  /** The body of the box that configures a decoder. Throws `RangeError` where it is another than the encoder writes. */
  record(record: Buffer): Buffer
  /** The bytes of a keyframe. Throws `RangeError` as `record`. */
  keyframe(sample: Buffer): Buffer
}

/** Presets at which an encoder shows wrong pictures, and what is done instead. */
export interface FaultyPresets {
  readonly presets: readonly string[]
  /** The preset that is used in their place. */
  readonly instead: string
  /** Build families that are right at them. Others count as wrong until they are tried. */
  readonly rightIn: readonly string[]
}

/** Threads by which one output is encoded. */
export interface Threads {
  /** Their number. */
  readonly threads: number
  /** Cores that they keep busy, of two that are there. */
  readonly cores: number
}

/** An encoder of a codec. The class of a rendition names it, so that all chunks of one are made by it. */
export interface Encoder {
  /** Its name in task classes: `x264`; with a family `x265-199`. Lower-case letters and digits. */
  readonly name: string
  /** Its name in ffmpeg: `libx264`. */
  readonly library: string
  /**
   * Presets that a rendition may ask for, each with the cost of a pixel: CPU time ÷ that of libx264 at preset medium. Measured as user
   * CPU seconds of `ffmpeg -i CLIP -c:v LIBRARY -preset PRESET -crf 23 -threads 1 … -f null -` (the rest as in `encoderArgs`), less
   * those of reading CLIP: 5 s of animation, 1280×720 at 30 fps, decoded beforehand. ffmpeg 5.1.9, 2 shared cores with AVX-512, mean
   * of two runs: good for an estimate, and measured speeds correct it.
   */
  readonly presets: Readonly<Record<string, number>>
  /** What is to be changed in what it writes, as no option makes it write that; absent: nothing. The functions throw `RangeError`. */
  readonly amend?: (job: AmendJob) => Amendment
  /** Presets at which only some builds show every picture right; absent: all do at all presets. */
  readonly faulty?: FaultyPresets
  /**
   * The threads that encode each of the last chunks of a film at a constant quality, where its bytes follow from their number alone; null: one thread always.
   * Measured as CPU ÷ wall of 6 s of 1080p, libx264 at medium and veryfast, x265 at medium, SVT-AV1 at 8.
   */
  readonly threaded: Threads | null
  /** How to find the build family; null where all builds write the same bytes. */
  readonly family: FamilyTrial | null
  /** Options of one output of ffmpeg, from `-c:v` on: encoder, rate, threads, GOP; no keyframes but those that are forced. */
  encoderArgs(job: EncoderJob): string[]
}

/** A codec, its encoders and its form in MP4. */
export interface Codec {
  /** Its name in recipes and plans: `h264`. */
  readonly name: string
  /** The one to prefer first. All have the presets of that one, in its words, and can do all that is said below. */
  readonly encoders: readonly [Encoder, ...Encoder[]]
  /** Whether a node refuses to start where its ffmpeg lacks the encoders. */
  readonly required: boolean
  /** Allowed constant rate factors, both ends inclusive. */
  readonly crf: { readonly min: number; readonly max: number }
  /**
   * kb/s for each megapixel of the picture below which a rate is a slip of the pen: about the least that its largest crf takes of film, the
   * coarsest that it can encode. Measured with ffmpeg 5.1.9 on 6 s of animation and of a calm street at 12.5 fps, 240 to 1080 lines.
   */
  readonly leastKbps: number
  /** Whether it can aim at an average bit rate; else a rendition needs a crf. */
  readonly averages: boolean
  /** Pixels that each side of its picture has at least. */
  readonly leastSide: number
  /** Bits per component that it can write. A trial run shows of each whether a build does. */
  readonly bitDepths: readonly Rendition['bit_depth'][]
  /** Profiles that a rendition may ask for, each with the bits per component that it has. */
  readonly profiles: Readonly<Record<string, readonly number[]>>
  /** How the frame of a trial run is encoded, at each bit depth: the quickest encode that shows whether a build works. */
  readonly trial: Pick<Encoding, 'rate' | 'preset'>
  /** Bitstream filters that remove what differs between builds. */
  readonly bitstream: readonly string[]
  /** Whether its encoder writes the closed captions of frames into the stream, as SEI of H.264: `bitstream` is then not applied. */
  readonly captions: boolean
  /** Value of `-tag:v`; null where MP4's default is right. */
  readonly tag: string | null
  /** Four letters of its sample entry in MP4: `avc1`. */
  readonly entry: string
  /** Four letters of the box in the sample entry that configures a decoder: `avcC`. */
  readonly configuration: string
  /** Its name in Matroska, and whether the body of that box is its CodecPrivate there. */
  readonly matroska: { readonly codecId: string; readonly isConfigured: boolean }
  /**
   * The parameter sets or sequence headers in the body of that box, which must be equal in all chunks of a rendition. At least one.
   * Throws `RangeError` where the box is truncated.
   */
  parameterSets(record: Buffer): Buffer[]
  /** Writes the level of a picture into that box, in place, where `parameterSets` leaves out what ffmpeg guesses; else null. */
  readonly setLevel:
    | ((record: Buffer, picture: Pick<RenditionPlan, 'width' | 'height'> & Pick<Plan, 'fps'>) => void)
    | null
  /** Its name in the manifests of a streaming package, from the same box: `avc1.64001F`. RFC 6381. */
  manifestName(record: Buffer): string
  /** Whether its encoder decodes pictures in another order than they are shown in, where a plan has B-frames. */
  readonly reorders: boolean
  /** Reads slices, as `cbcs` encrypts them, by what configures a decoder; null where this version cannot. Throws `AttemptFailed('build_cannot')` for a form that encoders here do not make. */
  readonly sliceHeads: ((record: Buffer) => SliceHeads) | null
}

/** Answers how many bytes at the beginning of a unit of a stream stay clear: all, where it is no slice. Throws `AttemptFailed('verify_failed')`. */
export type SliceHeads = (unit: Buffer) => number
