/** Brings what the tests of containers need: an engine with compose, Node's and MongoDB's images, and the image under test, built of these sources. */
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureMongod } from '../../testing/tools/mongod-binary.ts'

const ENGINE = join(import.meta.dirname, 'engine.sh')
export const IMAGE = 'reelmesh-test'
const NODE_IMAGE = 'node:26-bookworm-slim'
const MONGO_IMAGE = 'mongo:6.0'
/** A registry that has not answered by then is taken for absent. */
const PULL_MS = 120_000

/** Finds an engine (DOCKER_HOST, the usual socket), or as root on Debian installs and starts one. Rejects with one sentence where it cannot. */
export async function bringEngine(): Promise<void> {
  const answers = () => succeeds('docker', ['version'])
  const composes = () => succeeds('docker', ['compose', 'version'])
  if ((await answers()) && (await composes())) return
  if (process.env.DOCKER_HOST) throw new Error(`no container engine answers at DOCKER_HOST ${process.env.DOCKER_HOST}`)
  if (process.getuid?.() !== 0 || !(await succeeds('apt-get', ['--version'])))
    throw new Error(
      'no Docker engine with compose v2 answers here: start one, or run this as root on Debian, which installs it',
    )
  console.log('no container engine answers: installing and starting one')
  await runEngineScript('engine')
}

/** The image under test and the database's need Node's image, and nothing of each other. Rejects where one cannot be brought. */
export async function bringImages(): Promise<void> {
  await bringImage(NODE_IMAGE, async () => ['node'])
  await Promise.all([bringImage(MONGO_IMAGE, async () => ['mongo', await ensureMongod()]), buildImage()])
}

/** What is there is used; what is not is pulled; what cannot be pulled is made, by `engine.sh` with these arguments. */
async function bringImage(image: string, making: () => Promise<string[]>): Promise<void> {
  if (await succeeds('docker', ['image', 'inspect', image])) return
  if (await succeeds('docker', ['pull', '-q', image], PULL_MS)) return
  if (process.getuid?.() !== 0)
    throw new Error(`${image} cannot be pulled, and only root can make it of Debian packages`)
  console.log(`no registry has ${image}: making it`)
  await runEngineScript(...(await making()))
}

async function buildImage(): Promise<void> {
  const started = performance.now()
  const { failed, all } = await execa('docker', ['build', '-t', IMAGE, '.'], {
    reject: false,
    all: true,
    stdin: 'ignore',
  })
  if (failed) throw new Error(`the image does not build:\n${all.split('\n').slice(-40).join('\n')}`)
  console.log(`✔ the image is built  ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function runEngineScript(...args: readonly string[]): Promise<void> {
  await execa(ENGINE, args, { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
}

async function succeeds(command: string, args: readonly string[], ms = 20_000): Promise<boolean> {
  return !(await execa(command, args, { reject: false, stdin: 'ignore', timeout: ms })).failed
}
