/**
 * Paths as text. A path of Linux is bytes, and names from old systems are not always UTF-8, but documents, JSON and ledgers hold text only.
 * Each byte of a path that is not UTF-8 is one character of Unicode's private use area, U+EF00 + the byte (U+EF80 to U+EFFF), so that no
 * byte is lost; a character of that range that the path really has is written as its bytes. Pure.
 */

const BASE = 0xef00
const ESCAPED = /[\uef80-\uefff]/
const UTF8 = { fatal: true, ignoreBOM: true }
/** Bytes of the longest character of UTF-8. */
const CHARACTER_BYTES_MAX = 4

/** The text of a path. */
export function pathText(bytes: Uint8Array): string {
  const whole = decoded(bytes)
  if (whole !== null) return whole
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const character = characterAt(bytes, at)
    text += character?.text ?? String.fromCharCode(BASE + (bytes[at] ?? 0))
    at += character?.bytes ?? 1
  }
  return text
}

/** A path as `node:fs` takes it: the text itself, or its bytes where they are not UTF-8. */
export function fsPath(text: string): string | Buffer {
  if (!ESCAPED.test(text)) return text
  return Buffer.concat(
    Array.from(text, (character) =>
      ESCAPED.test(character) ? Buffer.from([character.charCodeAt(0) - BASE]) : Buffer.from(character),
    ),
  )
}

/** Whether a path has bytes that are not UTF-8: it can then be no argument of a program. */
export const isEscaped = (text: string): boolean => ESCAPED.test(text)

/** Text for people, with the bytes that are not UTF-8 as `\xe9`. */
export const shownPath = (text: string): string =>
  text.replace(/[\uef80-\uefff]/g, (character) => `\\x${(character.charCodeAt(0) - BASE).toString(16)}`)

/** The text of bytes that are UTF-8 without a character of the escapes; null for others. */
function decoded(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', UTF8).decode(bytes)
    return ESCAPED.test(text) ? null : text
  } catch {
    return null
  }
}

function characterAt(bytes: Uint8Array, at: number): { text: string; bytes: number } | null {
  for (let length = 1; length <= CHARACTER_BYTES_MAX; length++) {
    const text = decoded(bytes.subarray(at, at + length))
    if (text !== null && text !== '') return { text, bytes: length }
  }
  return null
}
