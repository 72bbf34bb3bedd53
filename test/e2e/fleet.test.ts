/** Nodes that start workers as processes of their host: these join the mesh, and end with the node. They stay idle here. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { startNode, statusOf, until } from './nodes.ts'

/** Processes whose environment holds this text: where a started worker gets its folders. */
async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(text))
}

test('two nodes on one host run a share each; workers join by a key and a ledger that were named from where the node runs', async (t) => {
  const dir = await folder(t)
  const made = await runCli(['keygen', join(dir, 'mesh.key')], { cwd: dir, dataDir: join(dir, 'none') })
  assert.equal(made.code, 0, made.stderr)
  const paths = ['--swarm-key', 'mesh.key', '--ledger', 'sqlite:ledger.sqlite', '--self-test-dir', 'self-tests']
  const fleet = ['--launcher', 'process', '--scale-min', '2', '--scale-max', '2', '--roles', 'coordinator']
  const first = await startNode(t, dir, { name: 'first', flags: [...paths, ...fleet] })
  const second = await startNode(t, dir, { name: 'second', flags: [...paths, ...fleet, '--join', first.address] })
  const seen = await until('a started worker of each node, idle in the mesh', async () => {
    const status = await statusOf(first)
    const idle = status.peers.filter(({ name, state }) => name.startsWith('auto-') && state === 'idle')
    const folders = await Promise.all(
      [first, second].map(({ dataDir }) => readdir(join(dataDir, 'fleet')).catch(() => [])),
    )
    const isEach = folders.every((names) => names.length === 1 && idle.some(({ name }) => name === names[0]))
    return isEach && status
  })
  assert.deepEqual(
    seen.engines.map(({ wanted, peers }) => [wanted, peers.length]),
    [
      [1, 1],
      [1, 1],
    ],
  )
  await Promise.all([first.stop(), second.stop()])
  await until('the workers ended with their nodes', async () => (await processesNaming(`${dir}/`)).length === 0)
})
