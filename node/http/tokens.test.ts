import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTokens } from './tokens.ts'

const TOKEN = '0123456789abcdefghij'

test('a file of tokens has one on each line, after its role', () => {
  const roles = (text: string) => {
    const tokens = parseTokens(text)
    return typeof tokens === 'string' ? tokens : tokens.map(({ role }) => role)
  }
  assert.deepEqual(roles(`${TOKEN}\n`), ['operate'])
  assert.deepEqual(roles(`# for Grafana\nview ${TOKEN}\n\noperate\t${TOKEN}x\r\n`), ['view', 'operate'])
  for (const wrong of [
    '',
    '# nothing\n',
    `look ${TOKEN}`,
    `view ${TOKEN} too`,
    'view',
    `${TOKEN}\nview ${TOKEN.slice(1)}`,
    `${TOKEN}ä`,
  ]) {
    const says = roles(wrong)
    assert.equal(typeof says, 'string', wrong)
    assert.ok(!String(says).includes(TOKEN.slice(1)), 'no token is shown')
  }
})
