/** Messages of the commits since the rule began. A checkout without them, or without git, has fewer to check. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { type Commit, messageProblems } from './commits.ts'
import { ROOT } from './sources.ts'

/** The last commit before the rule; where it is not there (a shallow clone), what is younger is checked. */
const BASE = { commit: '3970ad7', date: '2026-11-27T12:09:35Z' } as const
const BEFORE_THE_CHECK = ['Remove a changelog line that a merge doubled']

test('commit messages have a short imperative subject, and a body that says why', async (t) => {
  const commits = await commitsSince()
  t.diagnostic(`${commits.length} commits`)
  const held = commits.filter(({ subject }) => !BEFORE_THE_CHECK.includes(subject))
  assert.deepEqual(held.flatMap(messageProblems), [])
})

test('what breaks a rule of messages is named', () => {
  const right: Commit = { subject: 'Bring ffmpeg only where a test runs it', body: 'Why.' }
  const problems = (wrong: Partial<Commit>) => messageProblems({ ...right, ...wrong }).join()
  for (const subject of [
    right.subject,
    'Pass a signal',
    'Focus the test',
    'Embed the clip',
    'x'.repeat(72).replace('x', 'X'),
  ])
    assert.equal(problems({ subject }), '', subject)
  assert.match(problems({ subject: 'X'.repeat(73) }), /longer than 72/)
  assert.match(problems({ subject: 'add a test' }), /capital/)
  for (const subject of ['Added a test', 'Adds a test', 'Adding a test'])
    assert.match(problems({ subject }), /imperative/)
  assert.match(problems({ subject: 'Add a test.' }), /full stop/)
  assert.match(problems({ body: '\n' }), /no body/)
})

async function commitsSince(): Promise<Commit[]> {
  // Whoever else owns the folder (a container, a CI user), reading messages is harmless.
  const git = (...args: string[]) =>
    execa('git', ['-c', 'safe.directory=*', ...args], { cwd: ROOT, stdin: 'ignore', reject: false })
  const knowsBase = !(await git('merge-base', '--is-ancestor', BASE.commit, 'HEAD')).failed
  const range = knowsBase ? [`${BASE.commit}..HEAD`] : [`--since=${BASE.date}`, 'HEAD']
  const { stdout, failed } = await git('log', '--no-merges', '--format=%s%x00%b%x01', ...range)
  if (failed) return []
  return String(stdout)
    .split('\x01')
    .map((entry) => entry.trimStart().split('\0'))
    .flatMap(([subject, body = '']) => (subject ? [{ subject, body }] : []))
}
