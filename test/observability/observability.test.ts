/** The alert rules and the Grafana board against the real Prometheus, and a mesh that it scrapes while a worker is killed and comes back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'
import { stringify } from 'yaml'
import { atEnd } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { freePorts } from '../../testing/tools/free-ports.ts'
import { ensurePrometheus } from '../../testing/tools/prometheus.ts'
import { startNode, until } from '../e2e/nodes.ts'

const OBSERVABILITY = join(import.meta.dirname, '../../deploy/observability')
const RULES = join(OBSERVABILITY, 'alerts.yaml')

/** Each alert: series over 30 minutes in which it fires, and others in which it does not. */
const CASES: readonly (readonly [
  alert: string,
  fires: Readonly<Record<string, string>>,
  not: Readonly<Record<string, string>>,
])[] = [
  ['ReelmeshWorkerLost', { 'reelmesh_peers{state="lost"}': '1x30' }, { 'reelmesh_peers{state="lost"}': '0x28 1x1' }],
  ['ReelmeshNoLeader', { reelmesh_leader_known: '0x30' }, { reelmesh_leader_known: '1x30' }],
  ['ReelmeshNotScraped', { 'up{job="reelmesh"}': '0x30' }, { 'up{job="reelmesh"}': '1x30' }],
  ['ReelmeshVideoStuck', { reelmesh_stuck_videos: '2x30' }, { reelmesh_stuck_videos: '0x24 1x6' }],
  [
    'ReelmeshDiskNearlyFull',
    { reelmesh_disk_free_bytes: '9x30', reelmesh_disk_size_bytes: '100x30' },
    { reelmesh_disk_free_bytes: '11x30', reelmesh_disk_size_bytes: '100x30' },
  ],
  [
    'ReelmeshManyFailures',
    {
      'reelmesh_attempts_total{end="failed",cause="encode_failed"}': '0+3x30',
      'reelmesh_attempts_total{end="completed"}': '0+10x30',
    },
    {
      'reelmesh_attempts_total{end="failed",cause="encode_failed"}': '0+1x30',
      'reelmesh_attempts_total{end="completed"}': '0+10x30',
    },
  ],
]

test('each alert fires when it should, and only then, by promtool', async (t) => {
  const { promtool } = await ensurePrometheus()
  const dir = await folder(t)
  await execa(promtool, ['check', 'config', join(OBSERVABILITY, 'prometheus.yaml')])
  const tests = CASES.flatMap(([alertname, ...both]) =>
    both.map((series, nth) => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        { expr: `count(ALERTS{alertname="${alertname}",alertstate="firing"}) or vector(0)`, eval_time: '29m' },
      ].map((one) => ({ ...one, exp_samples: [{ labels: '{}', value: nth === 0 ? 1 : 0 }] })),
    })),
  )
  const file = join(dir, 'tests.yaml')
  await writeFile(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }))
  const { all, exitCode } = await execa(promtool, ['test', 'rules', file], { all: true, reject: false })
  assert.equal(exitCode, 0, all)
  const alerts = (await readFile(RULES, 'utf8')).match(/alert: \w+/g)!
  assert.equal(alerts.length, CASES.length, 'every alert has a case')
})

test('a mesh is scraped: its metrics are sound, the alert for a lost worker fires and ends, and the board asks for what there is', async (t) => {
  const { prometheus, promtool } = await ensurePrometheus()
  const dir = await folder(t)
  const leads = await startNode(t, dir, { name: 'leads', flags: ['--http', '127.0.0.1:0', '--slots', '0'] })
  const flags = ['--roles', 'worker', '--slots', '1', '--join', leads.address]
  const works = await startNode(t, dir, { name: 'works', flags })

  const scraped = await fetch(`${leads.http}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
  const text = await scraped.text()
  assert.match(scraped.headers.get('content-type') ?? '', /^application\/openmetrics-text; version=1\.0\.0/)
  assert.match(text, /# EOF\n$/)
  assert.doesNotMatch(text, new RegExp(works.peer))

  const [port] = await freePorts(1)
  const at = `http://127.0.0.1:${port}`
  // The rules as they are, but for the times.
  await writeFile(join(dir, 'alerts.yaml'), (await readFile(RULES, 'utf8')).replaceAll(/for: \w+/g, 'for: 1s'))
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [{ job_name: 'reelmesh', static_configs: [{ targets: [new URL(leads.http).host] }] }],
  }
  await writeFile(join(dir, 'prometheus.yaml'), stringify(config))
  const paths = [`--config.file=${join(dir, 'prometheus.yaml')}`, `--storage.tsdb.path=${join(dir, 'tsdb')}`]
  const child = spawn(prometheus, [...paths, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], {
    stdio: 'ignore',
  })
  atEnd(t, async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const ask = async (path: string) => {
    const response = await fetch(`${at}${path}`).catch(() => null)
    return response?.ok ? ((await response.json()) as { data: { alerts?: Alert[]; result?: unknown[] } }).data : null
  }
  const query = async (expr: string) => (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`))?.result ?? []
  const isFiring = async () =>
    ((await ask('/api/v1/alerts'))?.alerts ?? []).some(
      ({ labels, state }) => labels.alertname === 'ReelmeshWorkerLost' && state === 'firing',
    )
  await until('the node is scraped', async () => (await query('up{job="reelmesh"} == 1')).length > 0)
  assert.equal(await isFiring(), false)
  await works.stop()
  await until('the alert for the lost worker fires', isFiring)
  await startNode(t, dir, { name: 'works', flags })
  await until('the alert ends', async () => !(await isFiring()))

  const { panels } = JSON.parse(await readFile(join(OBSERVABILITY, 'grafana.json'), 'utf8')) as Board
  const names = await query('{__name__=~"reelmesh_.+|nodejs_.+|process_.+"}')
  const known = new Set(names.map((each) => (each as { metric: { __name__: string } }).metric.__name__))
  // Counters with labels are there once something was counted.
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) counter$/gm)) known.add(`${name}_total`)
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) histogram$/gm)) known.add(`${name}_bucket`)
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) gauge$/gm)) known.add(name)
  for (const { expr } of panels.flatMap(({ targets }) => targets)) {
    await execa(promtool, ['query', 'instant', at, expr])
    for (const [name] of expr.matchAll(/\b(?:reelmesh|nodejs|process)_\w+/g))
      assert.ok(known.has(name), `${name} of ${expr}`)
  }
})

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: string
}
interface Board {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}
