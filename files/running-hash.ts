/**
 * A sha256 that grows with the bytes of a file. That of a large file runs in a thread of its own: a core hashes about 1 GB/s, which would
 * take a third of the event loop while bytes arrive as fast. A thread takes 11 MB and 30 ms of CPU to start, as much as hashing 30 MB, so
 * that smaller files are hashed where they arrive, at most `WRITE_BYTES` at once.
 */
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { asSha256, type Sha256 } from '../protocol/ids.ts'

/** From this size on a file is hashed in a thread. */
const THREAD_BYTES_MIN = 64 * 1024 * 1024

/** A running sha256. Methods reject when it was ended, or its thread has. */
export interface RunningHash {
  /** Adds bytes. They must not change until the promise resolves; calls need not wait for each other, and count in their order. */
  update(bytes: Uint8Array): Promise<void>
  /** The hash of all bytes so far. */
  digest(): Promise<Sha256>
  /** Ends the thread: what waits is rejected. Idempotent. */
  end(): void
}

/** The hash of a file of about so many bytes; `end` it. Bytes in a `SharedArrayBuffer` reach the thread without a copy. */
export function startHash(bytes: number): RunningHash {
  return bytes < THREAD_BYTES_MIN ? hashHere() : hashInThread()
}

function hashHere(): RunningHash {
  const hash = createHash('sha256')
  return {
    update: async (bytes) => {
      hash.update(bytes)
    },
    digest: async () => asSha256(hash.copy().digest('hex')),
    end: () => {},
  }
}

/** What the thread runs. It is passed as text, so that sources and the bundled file start it alike: it may use nothing from outside. */
function work(
  { parentPort }: typeof import('node:worker_threads'),
  { createHash }: typeof import('node:crypto'),
): void {
  const hash = createHash('sha256')
  parentPort?.on('message', (bytes: Uint8Array | null) => {
    if (bytes !== null) hash.update(bytes)
    parentPort.postMessage(bytes === null ? hash.copy().digest('hex') : null)
  })
}

function hashInThread(): RunningHash {
  const code = `(${work})(require('node:worker_threads'), require('node:crypto'))`
  const thread = new Worker(code, {
    eval: true,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  })
  thread.unref()
  const waiting: PromiseWithResolvers<string | null>[] = []
  let ended: Error | null = null
  const onEnd = (error: Error) => {
    ended ??= error
    for (const each of waiting.splice(0)) each.reject(ended)
  }
  thread.on('message', (answer: string | null) => waiting.shift()?.resolve(answer))
  thread.on('error', onEnd)
  thread.on('exit', () => onEnd(new Error('the hashing thread ended')))
  /** Answers come in the order of the questions. */
  const ask = async (bytes: Uint8Array | null): Promise<string | null> => {
    if (ended !== null) throw ended
    const answer = Promise.withResolvers<string | null>()
    waiting.push(answer)
    thread.postMessage(bytes)
    return answer.promise
  }
  return {
    update: async (bytes) => {
      await ask(bytes)
    },
    digest: async () => asSha256(String(await ask(null))),
    end: () => {
      onEnd(new Error('the hash was ended'))
      void thread.terminate()
    },
  }
}
