/**
 * Strangers that hold the mesh key and are no members: they connect to everybody, say twice a second that they have a million idle slots, suspect
 * every peer, send hints, and go all at once. A right mesh counts none of them.
 */
import { encodeHeartbeat, encodeSuspicion } from '../../protocol/heartbeat.ts'
import { encodeHint } from '../../protocol/hint.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import type { World } from './world.ts'

const BEAT_MS = 500

/** Ids of strangers; those of peers have another beginning. */
export const strangerIdOf = (index: number): PeerId =>
  asPeerId(`12D3KooW${'x'.repeat(40)}${String(1_111 + index).replaceAll('0', 'o')}`)

/** Lets `count` strangers in for `ms`. */
export function letIn(world: World, { count, ms }: { readonly count: number; readonly ms: number }): void {
  for (let at = 0; at < count; at++) enter(world, strangerIdOf(at), ms)
}

function enter(world: World, id: PeerId, ms: number): void {
  const mesh = world.hub.join(id, { knows: world.ids })
  let seq = 0
  let isGone = false
  const speak = () => {
    if (isGone) return
    void mesh.publish('heartbeat', beatOf(seq++))
    for (const peer of world.ids)
      void mesh.publish('suspect', encodeSuspicion({ v: 1, peer, epoch: 1_000, why: 'closed' }))
    void mesh.publish('work', encodeHint({ v: 1, what: 'tasks', video: null }))
    world.scheduler.after(BEAT_MS, speak)
  }
  void mesh.start().then(speak)
  world.scheduler.after(ms, () => {
    isGone = true
    world.hub.kill(id)
  })
}

const beatOf = (seq: number): Uint8Array =>
  encodeHeartbeat({
    v: 1,
    epoch: 1,
    seq,
    started_at: 1,
    version: '0',
    roles: ['worker', 'coordinator'],
    host: 'nowhere',
    name: 'stranger',
    ffmpeg: 'none',
    decoders: ['h264'],
    filters: [],
    encoders: ['x264'],
    renditions: 'all',
    kinds: [],
    slots: 1_000_000,
    busy: 0,
    load: 0,
    state: 'idle',
    addresses: [],
    running: [],
  })
