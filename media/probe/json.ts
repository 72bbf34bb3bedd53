/**
 * Reading ffprobe's JSON. It describes a hostile file: what is absent or of another type is an empty object, list or text, or 0. Pure.
 */

/** An object of ffprobe's output, such as a stream. */
export interface Json {
  readonly [name: string]: Json | string | number | boolean | null | undefined
}

/** The object that the text holds, or null. */
export function parseObject(json: string): Json | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}

export const object = (value: Json[string]): Json => (typeof value === 'object' && value !== null ? value : {})
export const list = (value: Json[string]): Json[] =>
  Array.isArray(value) ? (value as unknown[]).map((entry) => object(entry as Json)) : []
export const text = (value: Json[string]): string => (typeof value === 'string' ? value : '')
/** A word such as `bt709`, or `unknown`. */
export const name = (value: Json[string]): string => (/^[a-z0-9-]{1,32}$/.test(text(value)) ? text(value) : 'unknown')
export function number(value: Json[string]): number {
  const read = typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : 0
  return Number.isFinite(read) ? read : 0
}

/** The tag of a stream or file; Matroska has its names in capitals, except for those that ffmpeg knows. '' without one. */
export const tag = (part: Json, key: string): string => {
  const tags = object(part['tags'])
  return text(tags[key]) || text(tags[key.toUpperCase()])
}
