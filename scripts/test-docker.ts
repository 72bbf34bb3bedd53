/**
 * `npm run test:docker [-- launcher mesh lost-watcher fleet ha engines mixed]`: the tests that need a container engine. Finds one (DOCKER_HOST, the usual socket), or as
 * root on Debian installs and starts one; brings base images that no registry gives; builds the image; runs test/docker/.
 * Ends with `N passed, N failed`. Everything the tests start carries a name of their own and is gone afterwards; the engine and
 * the images stay.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { ensureMongod } from '../testing/tools/mongod-binary.ts'
import { type FileLimits, runInTurn } from './test-file.ts'

const ROOT = join(import.meta.dirname, '..')
const ENGINE = join(import.meta.dirname, 'docker', 'engine.sh')
const IMAGE = 'reelmesh-test'
const NODE_IMAGE = 'node:26-bookworm-slim'
const MONGO_IMAGE = 'mongo:6.0'
/** A file has more than all of its tests may take: one that is ended from outside leaves its containers behind. */
const LIMITS: FileLimits = { testMs: 300_000, fileMs: 1_500_000, lingerMs: 15_000 }
/** A registry that has not answered by then is taken for absent. */
const PULL_MS = 120_000
const ORDER = ['launcher', 'mesh', 'lost-watcher', 'fleet', 'ha', 'engines', 'mixed']

process.chdir(ROOT)
const began = performance.now()
await findEngine()
await bringImages()
await ensureFfmpeg()
process.env.REELMESH_TEST_IMAGE = IMAGE
const counted = await runTests(process.argv.slice(2))
console.log(
  `\n${((performance.now() - began) / 1000).toFixed(0)} s\n${counted.passed} passed, ${counted.failed} failed`,
)
process.exit(counted.failed === 0 && counted.passed > 0 ? 0 : 1)

async function succeeds(command: string, args: readonly string[], ms = 20_000): Promise<boolean> {
  return !(await execa(command, args, { reject: false, stdin: 'ignore', timeout: ms })).failed
}

async function findEngine(): Promise<void> {
  const answers = () => succeeds('docker', ['version'])
  const composes = () => succeeds('docker', ['compose', 'version'])
  if ((await answers()) && (await composes())) return
  if (process.env.DOCKER_HOST) stop(`no container engine answers at DOCKER_HOST ${process.env.DOCKER_HOST}`)
  if (process.getuid?.() !== 0 || !(await succeeds('apt-get', ['--version']))) {
    stop('no Docker engine with compose v2 answers here: start one, or run this as root on Debian, which installs it')
  }
  console.log('no container engine answers: installing and starting one')
  await execa(ENGINE, ['engine'], { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
}

/** The image under test and the database's need Node's image, and nothing of each other. */
async function bringImages(): Promise<void> {
  await bringImage(NODE_IMAGE, async () => ['node'])
  await Promise.all([bringImage(MONGO_IMAGE, async () => ['mongo', await ensureMongod()]), buildImage()])
}

/** What is there is used; what is not is pulled; what cannot be pulled is made, by `engine.sh` with these arguments. */
async function bringImage(image: string, making: () => Promise<string[]>): Promise<void> {
  if (await succeeds('docker', ['image', 'inspect', image])) return
  if (await succeeds('docker', ['pull', '-q', image], PULL_MS)) return
  if (process.getuid?.() !== 0) stop(`${image} cannot be pulled, and only root can make it of Debian packages`)
  console.log(`no registry has ${image}: making it`)
  await execa(ENGINE, await making(), { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
}

async function buildImage(): Promise<void> {
  const started = performance.now()
  const { failed, all } = await execa('docker', ['build', '-t', IMAGE, '.'], {
    reject: false,
    all: true,
    stdin: 'ignore',
  })
  if (failed) stop(`the image does not build:\n${all.split('\n').slice(-40).join('\n')}`)
  console.log(`✔ the image is built  ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function runTests(wanted: readonly string[]): Promise<{ passed: number; failed: number }> {
  const names = (await readdir('test/docker'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.test.ts'.length))
  const chosen = names
    .filter((name) => wanted.length === 0 || wanted.includes(name))
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
  return await runInTurn(
    chosen.map((name) => `test/docker/${name}.test.ts`),
    LIMITS,
  )
}

function stop(sentence: string): never {
  console.error(`✖ ${sentence}`)
  console.log('\n0 passed, 1 failed')
  process.exit(1)
}
