import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { it } from 'node:test'
import { callableHost, callersUrl, httpAddress } from './http-address.ts'

it('an address of HTTP is a host and a port, of loopback or beyond it', () => {
  const rightly: Readonly<Record<string, ReturnType<typeof httpAddress>>> = {
    '127.0.0.1:8080': { host: '127.0.0.1', port: 8080, isLoopback: true },
    '127.1.2.3:0': { host: '127.1.2.3', port: 0, isLoopback: true },
    'LocalHost:80': { host: 'localhost', port: 80, isLoopback: true },
    '[::1]:65535': { host: '::1', port: 65_535, isLoopback: true },
    '0.0.0.0:8080': { host: '0.0.0.0', port: 8080, isLoopback: false },
    '192.168.1.20:8080': { host: '192.168.1.20', port: 8080, isLoopback: false },
    '[::]:8080': { host: '::', port: 8080, isLoopback: false },
    'example.org:80': { host: 'example.org', port: 80, isLoopback: false },
    '127.0.0.1.example.org:80': { host: '127.0.0.1.example.org', port: 80, isLoopback: false },
    '127.0.0.1': 'invalid',
    '127.0.0.1:65536': 'invalid',
    '127.0.0.1:http': 'invalid',
    ':8080': 'invalid',
    '8080': 'invalid',
    '[127.0.0.1]:80': 'invalid',
    '::1:8080': 'invalid',
    'http://127.0.0.1:80': 'invalid',
    '': 'invalid',
  }
  for (const [text, expected] of Object.entries(rightly)) assert.deepEqual(httpAddress(text), expected, text)
})

it('a listener at all addresses is called by a name of its own, or an address that this machine has', () => {
  const own = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
    ({ address, family, internal, netmask: '', mac: '', cidr: null }) as NetworkInterfaceInfo
  const lo = [own('127.0.0.1', 'IPv4', true), own('::1', 'IPv6', true)]
  const eth0 = [own('fe80::1', 'IPv6'), own('192.168.1.20', 'IPv4'), own('2001:db8::2', 'IPv6')]
  assert.equal(callableHost('0.0.0.0', [], { lo, eth0 }), '192.168.1.20')
  assert.equal(callableHost('::', [], { lo, eth0 }), '2001:db8::2')
  assert.equal(callableHost('0.0.0.0', ['films.example'], { lo, eth0 }), 'films.example')
  assert.equal(callableHost('0.0.0.0', [], { lo }), '127.0.0.1')
  assert.equal(callableHost('::', [], {}), '::1')
  assert.equal(callableHost('192.168.1.21', ['films.example'], { lo, eth0 }), '192.168.1.21')
})

it('a listener behind a proxy is called by the name of the proxy, where that is known', () => {
  const url = 'http://192.168.1.20:8080'
  const called = (http_behind_proxy: boolean, ...http_hosts: string[]) =>
    callersUrl(url, { http_behind_proxy, http_hosts })
  assert.equal(called(true, 'films.example', '192.168.1.20'), 'https://films.example')
  for (const other of [called(true), called(false, 'films.example')]) assert.equal(other, url)
})
