/** Which gossip an honest peer may send: what decodes, by its topic, also where it is of a newer version and of no use here. */
import { decodeHeartbeat, decodeSuspicion } from '../../protocol/heartbeat.ts'
import { decodeHint } from '../../protocol/hint.ts'
import type { Topic } from '../../protocol/mesh.ts'

const DECODERS = { heartbeat: decodeHeartbeat, work: decodeHint, suspect: decodeSuspicion }

/** Whether the content of a message is one of its topic. Never throws. */
export const isWellFormed = (topic: Topic, data: Uint8Array): boolean => DECODERS[topic](data).verdict !== 'reject'
