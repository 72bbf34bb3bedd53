/** Which targets the address book dials, and when; which addresses are announced; which keys are valid. All pure, on a manual clock. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock, Rng } from '../protocol/clock.ts'
import { UsageError } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { ADDRESSES_PER_PEER, PEERS_REMEMBERED, REDIAL_MS } from '../protocol/limits.ts'
import { createAddressBook } from './address-book.ts'
import { announced, canonicalAddress } from './addresses.ts'
import { generateSwarmKey } from './make-swarm-key.ts'
import { parseSwarmKey, swarmFingerprint } from './swarm-key.ts'

const id = (letter: string): PeerId => asPeerId(`12D3KooW${letter.repeat(44)}`)
const [A, M, Z] = [id('A'), id('M'), id('Z')]
const REAL = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const at = (n: number) => `/ip4/10.0.0.${n}/tcp/4001`

function book(self = M) {
  let now = 1_000
  const clock = { mono: () => now } as Clock
  const rng: Rng = { random: () => 0.5, token: () => String(now) }
  const made = createAddressBook({ self, clock, rng })
  const due = (connected: PeerId[] = [], joinsOnly = false) => made.due(new Set(connected), { joinsOnly })
  return {
    join: made.join.bind(made),
    learn: made.learn.bind(made),
    addressesOf: made.addressesOf.bind(made),
    dialling: made.dialling.bind(made),
    failed: made.failed.bind(made),
    answered: made.answered.bind(made),
    lost: made.lost.bind(made),
    forget: made.forget.bind(made),
    save: made.save.bind(made),
    load: made.load.bind(made),
    due,
    keys: (connected: PeerId[] = []) => due(connected).targets.map(({ key }) => key),
    pass: (ms: number) => (now += ms),
  }
}

describe('the address book', () => {
  it('dials a join address at once, and a learned peer soon: the smaller id first', () => {
    const { join, learn, keys, pass } = book()
    join(at(1), null)
    learn(Z, [at(2)])
    learn(A, [at(3)])
    assert.deepEqual(keys(), [at(1)])
    pass(300)
    assert.deepEqual(keys(), [at(1), Z])
    pass(1_700)
    assert.deepEqual(keys(), [at(1), Z, A])
  })

  it('leaves alone who is connected, who is being dialled and itself', () => {
    const { learn, dialling, keys, pass } = book(A)
    assert.equal(learn(A, [at(1)]), false)
    learn(M, [at(2)])
    learn(Z, [at(3)])
    pass(300)
    dialling(Z)
    assert.deepEqual(keys(), [M])
    assert.deepEqual(keys([M]), [])
  })

  it('waits longer after each failure, never longer than the bound, without end', () => {
    const { join, dialling, failed, due, keys, pass } = book()
    join(at(1), null)
    const waits = []
    for (let tries = 0; tries < 40; tries++) {
      assert.deepEqual(keys(), [at(1)])
      dialling(at(1))
      failed(at(1))
      const { nextMs } = due()
      waits.push(nextMs ?? 0)
      pass(nextMs ?? 0)
    }
    assert.equal(waits[0], REDIAL_MS.base)
    assert.equal(Math.max(...waits), REDIAL_MS.max)
    assert.deepEqual(
      waits,
      [...waits].sort((a, b) => a - b),
    )
  })

  it('asks less and less for a learned peer that is long gone, and at once when it was lost just now', () => {
    const { learn, dialling, failed, lost, due, pass } = book(A)
    learn(Z, [at(1)])
    pass(24 * 3_600_000)
    for (let tries = 0; tries < 30; tries++) {
      dialling(Z)
      failed(Z)
    }
    assert.equal(due().nextMs, 10 * 60_000)
    lost(Z)
    assert.ok((due().nextMs ?? 0) <= 300)
  })

  it('dials only join addresses when it has connections enough', () => {
    const { join, learn, due, pass } = book(A)
    join(at(1), null)
    learn(Z, [at(2)])
    pass(5_000)
    assert.deepEqual(
      due([], true).targets.map(({ key }) => key),
      [at(1)],
    )
  })

  it('knows who answered at a join address, and tries it again when that one is lost', () => {
    const { join, dialling, answered, lost, keys, pass, forget } = book()
    join(at(1), null)
    dialling(at(1))
    answered(at(1), A)
    assert.deepEqual(keys([A]), [])
    lost(A)
    pass(1_250)
    assert.deepEqual(keys(), [at(1)])
    forget(at(1))
    assert.deepEqual(keys(), [])
  })

  it('is bounded in peers and addresses, the newest address first, and drops what is none', () => {
    const { learn, addressesOf } = book(A)
    learn(Z, ['nonsense', '/ip4/10.0.0.1/udp/4001', '/memory/1', at(1)])
    assert.deepEqual(addressesOf(Z), [at(1)])
    for (let n = 2; n < 30; n++) learn(Z, [`${at(n)}/p2p/${Z}`])
    assert.equal(addressesOf(Z).length, ADDRESSES_PER_PEER)
    assert.equal(addressesOf(Z)[0], at(29))
    const many = (n: number) => asPeerId(`12D3KooW${String(n).replaceAll('0', 'o').padStart(44, 'm')}`)
    for (let n = 0; n < PEERS_REMEMBERED + 50; n++) learn(many(n), [at(1)])
    const known = Array.from({ length: PEERS_REMEMBERED + 50 }, (_, n) => many(n)).filter(
      (peer) => addressesOf(peer).length > 0,
    )
    assert.ok(known.length <= PEERS_REMEMBERED)
  })

  it('comes back from the disk, and from a file that is none as an empty one', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'reelmesh-book-'))
    t.after(() => rm(dir, { recursive: true }))
    const path = join(dir, 'deep', 'address-book.json')
    const first = book()
    first.learn(Z, [at(1), at(2)])
    first.join(at(3), null)
    first.answered(at(3), A)
    await first.save(path)
    const second = book()
    await second.load(path)
    assert.deepEqual([second.addressesOf(Z), second.addressesOf(A)], [[at(1), at(2)], [at(3)]])
    await writeFile(path, '{"v":1,"peers":[{"peer":"../x","addresses":[]}]}')
    const third = book()
    await third.load(path)
    await third.load(join(dir, 'nowhere'))
    assert.deepEqual(third.due().targets, [])
  })
})

describe('addresses', () => {
  const announce = (...texts: string[]) =>
    announced(
      texts.map((text) => multiaddr(text)),
      new Set(['172.17.0.1']),
    ).map(String)

  it('of loopback and bridges are not announced, but loopback where there is nothing else', () => {
    const [loopback, bridge, lan] = ['/ip4/127.0.0.1/tcp/1', '/ip4/172.17.0.1/tcp/1', '/ip4/192.168.1.20/tcp/1']
    assert.deepEqual(
      announce(loopback, bridge, lan, '/ip6/::1/tcp/1', '/ip6/fe80::1/tcp/1', '/ip4/169.254.1.1/tcp/1'),
      [lan],
    )
    assert.deepEqual(announce(loopback, bridge), [loopback])
  })

  it('from others are taken only in the forms that are dialled', () => {
    assert.equal(canonicalAddress(`/ip4/1.2.3.4/tcp/4001/p2p/${REAL}`), '/ip4/1.2.3.4/tcp/4001')
    assert.equal(canonicalAddress('/dns4/box.local/tcp/4001'), '/dns4/box.local/tcp/4001')
    for (const text of ['', 'x', '/ip4/1.2.3.4', '/ip4/1.2.3.4/tcp/1/ws', '/ip4/999.1.1.1/tcp/1', '/unix/tmp/x']) {
      assert.equal(canonicalAddress(text), null, text)
    }
  })
})

describe('a swarm key', () => {
  it('is generated each time, is read back, and its fingerprint does not reveal it', () => {
    const [one, two] = [generateSwarmKey(), generateSwarmKey()]
    assert.notEqual(one, two)
    assert.match(one, /^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}\n$/)
    assert.deepEqual(
      parseSwarmKey(one),
      parseSwarmKey(
        new TextEncoder().encode(
          one
            .toUpperCase()
            .replace('/KEY/SWARM/PSK', '/key/swarm/psk')
            .replace('/BASE16/', '/base16/')
            .replaceAll('\n', '\r\n'),
        ),
      ),
    )
    assert.equal(swarmFingerprint(parseSwarmKey(one)).length, 8)
    assert.notEqual(swarmFingerprint(parseSwarmKey(one)), swarmFingerprint(parseSwarmKey(two)))
  })

  for (const [what, text, says] of [
    ['nothing', ' \n', /is empty/],
    ['something else', 'hello', /does not begin with/],
    ['another encoding', '/key/swarm/psk/1.0.0/\n/base64/\nAAAA', /not in \/base16\//],
    ['too few digits', '/key/swarm/psk/1.0.0/\n/base16/\nabcd', /64 hex digits/],
    ['too many lines', `${generateSwarmKey()}more`, /64 hex digits/],
  ] as const) {
    it(`that is ${what} is refused in one sentence`, () => {
      assert.throws(
        () => parseSwarmKey(text),
        (error) => error instanceof UsageError && says.test(error.message) && !error.message.includes('\n'),
      )
    })
  }
})
