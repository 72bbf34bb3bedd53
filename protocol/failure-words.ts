/**
 * What a failure says: whether two failures at one task say the same of its data, so that no further attempt would end differently. What
 * belongs to one attempt alone (paths, addresses, process ids in them, whether the sound was encoded with the pictures or by itself) does not count;
 * numbers do, such as frames that were counted. Pure.
 */
import { CONCLUSIVE } from './errors.ts'
import type { Failure } from './task.ts'

type Said = Pick<Failure, 'code' | 'message'>

/** Messages of the system about a machine at that moment, which ffmpeg repeats as its own. */
const CIRCUMSTANCE =
  /Input\/output error|temporarily unavailable|Too many open files|Permission denied|Read-only file system|No such file|Stale file handle|resource busy|Interrupted system call|Connection \w+|timed out/i

/** Whether this failure speaks about the data of the task alone, and not about what the machine lacked at that moment. */
export const isAboutData = ({ code, message }: Said): boolean => CONCLUSIVE.has(code) && !CIRCUMSTANCE.test(message)

/** Whether both failures speak about the data, and say the same of it. */
export const saysTheSame = (a: Said, b: Said): boolean =>
  isAboutData(a) && isAboutData(b) && a.code === b.code && wordsOf(a.message) === wordsOf(b.message)

/** The message without what differs between two attempts at the same data. */
function wordsOf(message: string): string {
  return message
    .replace(/^encoding (?:the audio|chunk \d+) failed/, 'encoding failed')
    .replace(/(?:file:)?\/[^\s'",;]+/g, '<path>')
    .replace(/\b0x[0-9a-f]+\b/gi, '<address>')
    .replace(/\b[0-9a-f]{12,}\b/gi, '<hash>')
    .replace(/Last message repeated \d+ times?/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}
