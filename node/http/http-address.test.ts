import assert from 'node:assert/strict'
import { it } from 'node:test'
import { httpAddress } from './http-address.ts'

it('an address of HTTP is a host of loopback and a port', () => {
  const rightly: Readonly<Record<string, ReturnType<typeof httpAddress>>> = {
    '127.0.0.1:8080': { host: '127.0.0.1', port: 8080 },
    '127.1.2.3:0': { host: '127.1.2.3', port: 0 },
    'LocalHost:80': { host: 'localhost', port: 80 },
    '[::1]:65535': { host: '::1', port: 65_535 },
    '0.0.0.0:8080': 'foreign',
    '192.168.1.20:8080': 'foreign',
    '[::]:8080': 'foreign',
    'example.org:80': 'foreign',
    '127.0.0.1.example.org:80': 'foreign',
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
