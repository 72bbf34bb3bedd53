/**
 * The private folders that people of this machine have asked this peer to deliver to, in a file of its data folder. The ledger is written by
 * all peers: without this record any of them could have files put wherever this peer may write.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { durableWrite } from '../../files/durable-write.ts'
import { deliveryNames } from '../../ledger/documents.ts'
import type { VideoId } from '../../protocol/ids.ts'

/** A delivery that was asked for here. */
export interface AcceptedDelivery {
  readonly video: VideoId
  /** Absolute. */
  readonly dir: string
  readonly name: string
}

/** The deliveries that people of this machine asked for. */
export interface AcceptedDeliveries {
  /** Records a delivery, durably. Rejects with the error of the file system. */
  accept(delivery: AcceptedDelivery): Promise<void>
  /** Whether it was recorded, also where its name has become `<name>-<video id>`. */
  has(delivery: AcceptedDelivery): Promise<boolean>
}

/** Deliveries that are remembered, the newest. */
const KEPT = 10_000

/** The record in this file; one that is missing or damaged counts as empty. */
export function createAcceptedDeliveries(file: string): AcceptedDeliveries {
  let read: Promise<Set<string>> | null = null
  let writing: Promise<void> = Promise.resolve()
  /** A write that has not begun, and so has all keys up to now. */
  let next: Promise<void> | null = null
  const all = () => {
    read ??= readKeys(file)
    return read
  }
  return {
    async accept(delivery) {
      const keys = await all()
      const key = keyOf(delivery)
      if (keys.has(key)) return await (next ?? writing)
      keys.add(key)
      for (const oldest of keys) {
        if (keys.size <= KEPT) break
        keys.delete(oldest)
      }
      const write = () => {
        writing = next ?? writing
        next = null
        return durableWrite(file, JSON.stringify([...keys]), { temporary: `${file}.new`, mode: 0o600 })
      }
      // An earlier write that failed does not prevent this one.
      next ??= writing.catch(() => {}).then(write)
      await next
    },
    async has(delivery) {
      const keys = await all()
      const { video, dir, name } = delivery
      const plain = name.endsWith(`-${video}`) ? name.slice(0, -video.length - 1) : name
      return deliveryNames(video, plain).some((each) => keys.has(keyOf({ video, dir, name: each })))
    },
  }
}

const keyOf = ({ video, dir, name }: AcceptedDelivery): string => JSON.stringify([video, dir, name])

async function readKeys(file: string): Promise<Set<string>> {
  const text = await readFile(file, 'utf8').catch(() => '[]')
  try {
    const parsed = z.array(z.string()).safeParse(JSON.parse(text))
    return new Set(parsed.success ? parsed.data : [])
  } catch {
    return new Set()
  }
}
