/** What share of the cores is busy while pictures are encoded: between the start of the first encode of a command and the end of its last. */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Watch } from '../measure.ts'

const LOOK_MS = 100

export interface BusyShare extends Watch {
  /** From the making of this to the first look that saw an encode, s; null before. */
  firstEncodeS(): number | null
  /** 0 to 1; null where no encode was seen twice. */
  share(): number | null
}

interface Moment {
  readonly at: number
  readonly cpuS: number
}

/** A look at the processes of one command, beginning now. `lookMs`: the error of each end. */
export function watchBusyShare(lookMs = LOOK_MS): BusyShare {
  const startedAt = performance.now()
  let first: Moment | null = null as Moment | null
  let last = first
  return {
    lookMs,
    async look(running) {
      const processes = await running.processes()
      const commands = await Promise.all(
        processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
      )
      if (!commands.some(isEncode) && last === null) return
      const now = { at: performance.now(), cpuS: await running.cpuSeconds() }
      first ??= now
      if (commands.some(isEncode)) last = now
    },
    firstEncodeS: () => first && (first.at - startedAt) / 1000,
    share: () =>
      first && last && last.at > first.at
        ? (last.cpuS - first.cpuS) / (((last.at - first.at) / 1000) * availableParallelism())
        : null,
  }
}

/** An ffmpeg that encodes pictures of a film: no trial, whose output is no part of the film's data. */
const isEncode = (command: string): boolean =>
  command.includes('-force_key_frames') && !/reelmesh-(?:self-test|plan|trial)-/.test(command)
