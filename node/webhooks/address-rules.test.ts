import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddressRules, isAllowable, isPublic } from './address-rules.ts'

const PRIVATE = [
  '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8',
  '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::a00:1', '64:ff9b:1::1', '100::1', '2001::1',
  '2001:db8::1', '2002:7f00:1::', '3fff::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '5f00::1', 'no address', '',
] // biome-ignore format: a list of addresses
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '172.15.0.1',
  '172.32.0.1',
  '192.0.1.1',
  '2606:4700::1111',
  '2a00:1450::1',
]

test('an address is public where no special range holds it', () => {
  for (const address of PRIVATE) assert.equal(isPublic(address), false, address)
  for (const address of PUBLIC) assert.equal(isPublic(address), true, address)
})

test('what is not public may be used only where it is allowed: by address, network, name, or all of it', () => {
  const may = (allowed: boolean | string[], hostname: string, address: string) =>
    createAddressRules(allowed).mayUse(hostname, address)
  for (const address of PRIVATE) assert.equal(may(false, 'hook.example', address), false, address)
  for (const address of PUBLIC) assert.equal(may(false, 'hook.example', address), true, address)
  assert.equal(may(true, 'hook.example', '127.0.0.1'), true)
  const some = ['10.0.0.7', '192.168.0.0/16', 'fd00::/8', 'Hooks.lan']
  for (const address of ['10.0.0.7', '192.168.3.4', 'fd12::1']) assert.equal(may(some, 'x', address), true, address)
  for (const address of ['10.0.0.8', '127.0.0.1', 'fe80::1']) assert.equal(may(some, 'x', address), false, address)
  assert.equal(may(some, 'hooks.lan', '127.0.0.1'), true)
  assert.equal(may(some, 'other.lan', '127.0.0.1'), false)
})

test('a URL whose host is a private address, however it is written, or this machine, is refused before it is looked up', () => {
  const why = (url: string, allowed: boolean | string[] = false) => createAddressRules(allowed).whyRefused(new URL(url))
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '169.254.169.254', 'localhost', 'LOCALHOST.', 'a.localhost']) // biome-ignore format: hosts
    assert.match(why(`http://${host}:80/x`) ?? '', /is no public address, and webhook_allow_private/, host)
  assert.equal(why('https://example.org/hook'), null)
  assert.equal(why('https://1.1.1.1/'), null)
  for (const allowed of [true, ['127.0.0.0/8'], ['localhost']]) assert.equal(why('http://localhost/', allowed), null)
  assert.equal(why('http://127.0.0.1/', ['127.0.0.1']), null)
})

test('a configuration may allow addresses, networks and names, and nothing else', () => {
  for (const text of ['10.0.0.7', '10.0.0.0/8', '::1', 'fd00::/8', 'hooks.lan', 'a-b.example.org'])
    assert.ok(isAllowable(text), text)
  for (const text of ['', '10.0.0.0/33', '10.0.0', 'fd00::/129', 'http://x', 'a b', '*.lan', '7'])
    assert.ok(!isAllowable(text), text)
})
