/** What an HDR picture says beside its samples and its colour, as facts of a plan. */

/** The display on which an HDR picture was mastered (SMPTE ST 2086), in the units of HEVC and MP4. */
export interface Mastering {
  /** Chromaticity x and y of the primaries and of white, in 1/50,000. */
  readonly red: readonly [number, number]
  readonly green: readonly [number, number]
  readonly blue: readonly [number, number]
  readonly white: readonly [number, number]
  /** Most and least luminance, in 1/10,000 cd/m². */
  readonly luminance: readonly [most: number, least: number]
}

/** How bright an HDR film gets (CTA-861.3), cd/m²; 0 where it is not known. */
export interface ContentLight {
  /** MaxCLL: the brightest pixel. */
  readonly pixel: number
  /** MaxFALL: the brightest frame on average. */
  readonly frame: number
}

/** Largest numbers of `Mastering` and `ContentLight`, those that MP4 and HEVC hold. */
export const HDR_MAX = { chroma: 65_535, luminance: 4_294_967_295, light: 65_535 } as const

/** The facts of an HDR picture, each absent where the source does not say it. */
export interface HdrData {
  readonly mastering?: Mastering
  readonly light?: ContentLight
}
