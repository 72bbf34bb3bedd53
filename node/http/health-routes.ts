/** What watchers of a node ask: its metrics, and whether it can take work. */
import { Hono } from 'hono'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { AdmissionGate } from '../admission.ts'
import type { NodeFace } from '../face.ts'
import type { NodeMetrics } from '../metrics/node-metrics.ts'
import { RequestRefused } from './refusals.ts'

/** What the routes use. */
export interface HealthRoutesOptions {
  /** Null where none are collected. */
  readonly metrics: Pick<NodeMetrics, 'read'> | null
  readonly admission: Pick<AdmissionGate, 'state'>
}

/** Why a node in this state is not ready, for people; states that are not here are ready. */
const REASONS: Readonly<Partial<Record<Heartbeat['state'], string>>> = {
  ledger_away: 'the ledger does not answer',
  disk_full: 'the disk is full',
  self_test_failed: 'ffmpeg failed its self-test',
  leaving: 'the node is ending',
}

/** The routes. Errors are thrown: the app that they are part of answers them. */
export function createHealthRoutes(
  node: Pick<NodeFace, 'snapshot'>,
  { metrics, admission }: HealthRoutesOptions,
): Hono {
  const routes = new Hono()
  routes.get('/readyz', async (c) => {
    // Its state is that of its last claim: a node that claims nothing would not see it.
    const state = (await node.snapshot()).ledger.away === null ? admission.state() : 'ledger_away'
    const reason = REASONS[state] ?? null
    if (reason !== null) throw new RequestRefused(503, state, `this node is not ready: ${reason}`)
    return c.json({ ready: true }, 200, { 'Cache-Control': 'no-store' })
  })
  routes.get('/metrics', async (c) => {
    if (metrics === null)
      throw new RequestRefused(404, 'no_metrics', 'this node collects no metrics: it serves them with --http')
    const { text, type } = await metrics.read()
    return c.body(text, 200, { 'Content-Type': type, 'Cache-Control': 'no-store' })
  })
  return routes
}
