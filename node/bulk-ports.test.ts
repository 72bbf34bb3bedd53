import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bulkPorts } from './bulk-ports.ts'

test('a port, a range, one of the system’s choice, none, and nothing else', () => {
  const read: [setting: string, ports: ReturnType<typeof bulkPorts>][] = [
    ['off', null],
    ['auto', [0]],
    ['4002', [4002]],
    ['4002-4004', [4002, 4003, 4004]],
    ...['', '0', '4004-4002', '65536', '1-65535', '40 02', '-1', 'on', '4002,4003'].map(
      (setting) => [setting, 'invalid'] as [string, 'invalid'],
    ),
  ]
  for (const [setting, ports] of read) assert.deepEqual(bulkPorts(setting), ports, setting)
})
