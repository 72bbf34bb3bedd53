/** The routes of those that watch nodes, in the form of OpenAPI. */
import { z } from 'zod'
import { json, problem } from './api-answers.ts'

/** What is asked by load balancers and by Prometheus. */
export const HEALTH_ROUTES = {
  ready: {
    operationId: 'ready',
    method: 'get',
    path: '/readyz',
    summary:
      'Whether the node can take work: its ledger answers, its disk has room, and its ffmpeg passed its self-test',
    responses: {
      200: json(z.object({ ready: z.literal(true) }), 'it can'),
      500: problem('the node failed'),
      503: problem('it cannot: `code` and `detail` say why'),
    },
  },
  metrics: {
    operationId: 'metrics',
    method: 'get',
    path: '/metrics',
    summary: 'The metrics of the node in OpenMetrics form, where it serves HTTP over TCP',
    responses: {
      200: { content: { 'application/openmetrics-text': { schema: z.string() } }, description: 'the metrics' },
      404: problem('this node collects none'),
      500: problem('the node failed'),
    },
  },
} as const
