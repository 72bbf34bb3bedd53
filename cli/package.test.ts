import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { UsageError } from '../protocol/errors.ts'
import { addPackageOptions, packageFrom } from './package.ts'

const parsed = (...args: string[]) => {
  const command = addPackageOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }))
  return packageFrom(command.parse(args, { from: 'user' }).opts())
}

test('a package is asked for by the forms of its manifests, in any order, each once', () => {
  assert.equal(parsed(), undefined)
  assert.deepEqual(parsed('--package', 'hls'), { formats: ['hls'] })
  assert.deepEqual(parsed('--package', 'hls, dash'), { formats: ['dash', 'hls'] })
  assert.deepEqual(parsed('--package', 'dash', '--package-url-prefix', '/films/a/'), {
    formats: ['dash'],
    url_prefix: '/films/a/',
  })
  assert.deepEqual(parsed('--package', 'hls', '--package-only'), { formats: ['hls'], only: true })
  assert.deepEqual(parsed('--package', 'hls', '--segments'), { formats: ['hls'], segments: true })
})

test('what is no package is refused in one sentence that says what to give', () => {
  for (const wrong of ['', 'mp4', 'hls,hls', 'hls;dash'])
    assert.throws(() => parsed('--package', wrong), /must be hls, dash, or hls,dash/, wrong)
  for (const prefix of ['https://example.org', 'a b/', '"/', ''])
    assert.throws(
      () => parsed('--package', 'hls', '--package-url-prefix', prefix),
      (error) => error instanceof UsageError && /ends with a slash/.test(error.message),
      prefix,
    )
  for (const [flag = '', ...value] of [['--package-url-prefix', '/a/'], ['--package-only'], ['--segments']])
    assert.throws(() => parsed(flag, ...value), new RegExp(`${flag} is about a package: ask for one with --package`))
})
