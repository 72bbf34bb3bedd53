/**
 * Ten minutes in which no core of this machine is ever idle: three nodes with an encode for each core, and a burner for each core beside
 * them, at the same nice as the nodes themselves. Nobody dies, so every claim that is reclaimed is a mistake.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeSuspicion } from '../protocol/heartbeat.ts'
import { DEFAULT_ENCODING, DEFAULT_HEIGHTS, ladderOf } from '../protocol/recipe.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { givenClips, makeFootage } from './footage.ts'
import { type LocalMesh, openLocalMesh } from './local-mesh.ts'
import type { LocalNode } from './local-node.ts'
import { type Row, row } from './table.ts'

const NODES = 3
const FILM_S = 60
const FULL_S = 600
const QUICK_S = 20
const UP_S = 180
/** Slow, so that encodes are what the time goes to. */
const ENCODING = { ...DEFAULT_ENCODING, preset: 'slower' }

export async function benchBusy({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const watchS = quick ? QUICK_S : FULL_S
  const footage = await makeFootage(givenClips(media), FILM_S, await ensureFfmpeg())
  const mesh = await openLocalMesh('busy')
  const burners: ChildProcess[] = []
  const slots = ['--slots', String(availableParallelism())]
  try {
    const nodes: LocalNode[] = []
    for (let at = 1; at <= NODES; at++) nodes.push(await mesh.start(`node ${at}`, slots))
    await mesh.until('a mesh of all', async () => mesh.mesh.peers().length === NODES, UP_S)
    const counted = count(mesh)
    for (let core = 0; core < availableParallelism(); core++) burners.push(spawn(process.execPath, ['-e', 'for (;;);']))
    const startedAt = performance.now()
    let [films, encodeSeconds] = [0, 0]
    while (performance.now() - startedAt < watchS * 1000) {
      const open = await mesh.ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING'] })
      // Two at a time: while one is merged the other keeps the slots busy.
      if (open.length < 2) {
        const renditions = ladderOf(DEFAULT_HEIGHTS, { ...ENCODING, rate: { crf: 18 + films } })
        await mesh.submit(nodes[films++ % NODES]!, footage.path, { renditions })
      }
      await sleep(1_000)
      encodeSeconds += new Set((await mesh.running()).map(({ task, worker }) => `${worker} ${task.chunk_id}`)).size
    }
    return [
      row(`${NODES} nodes on ${availableParallelism()} cores, as many burners, watched for`, watchS, 's'),
      row('encodes at once, mean', encodeSeconds / watchS, ''),
      row('suspicions published', counted.suspicions(), ''),
      row('connections lost', counted.lost(), ''),
      row('claims reclaimed', await mesh.countOf('reclaimed'), ''),
      row('leaders', await mesh.countOf('leader'), ''),
    ]
  } finally {
    for (const burner of burners) burner.kill('SIGKILL')
    await mesh.stop()
  }
}

function count(mesh: LocalMesh): { suspicions(): number; lost(): number } {
  let [suspicions, lost] = [0, 0]
  mesh.mesh.listen({
    onGossip({ topic, data }) {
      if (topic === 'suspect' && decodeSuspicion(data).verdict === 'accept') suspicions++
    },
    onDisconnected() {
      lost++
    },
  })
  return { suspicions: () => suspicions, lost: () => lost }
}
