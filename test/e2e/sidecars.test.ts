/** Subtitles beside a film, of a watched folder or given by name: in its result, with their language, at the times of the film. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { probe, subtitles } from '../../testing/sources/measure.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { startNode, until } from './nodes.ts'

test('subtitles with the name of a film come along, and stay where they are', async (t) => {
  const dir = await folder(t)
  const [input, output] = [join(dir, 'in'), join(dir, 'out')]
  await mkdir(input)
  await copyFile(await ensureSource('short'), join(input, 'film.mp4'))
  await writeFile(join(input, 'film.de.srt'), '1\r\n00:00:00,200 --> 00:00:00,600\r\nGr\xfc\xdfe\r\n', 'latin1')
  await writeFile(join(input, 'film.en.sdh.vtt'), 'WEBVTT\n\n00:00.100 --> 01:00:00.000\n[music]\n')
  await writeFile(join(input, 'film.fr.srt'), Buffer.from([0, 1, 2, 3]))
  const flags = ['--slots', '1', '--input', input, '--output', output]
  await startNode(t, dir, {
    name: 'solo',
    flags: [...flags, '--input-preset', 'ultrafast', '--input-renditions', '480p'],
  })
  const result = join(output, '480p', 'film.mp4')
  await until('the film is delivered', async () =>
    (await readdir(join(output, '480p')).catch((): string[] => [])).includes('film.mp4'),
  )
  const { streams } = await probe(result)
  const texts = streams.filter(({ type }) => type === 'subtitle')
  assert.deepEqual(
    texts.map(({ tags }) => tags['language']),
    ['deu', 'eng'],
  )
  const [german, english] = await subtitles(result)
  assert.deepEqual(german, [{ start_s: 0.2, end_s: 0.6, text: 'Grüße' }])
  assert.equal(english?.[0]?.text, '[music]')
  assert.ok((await readdir(input)).includes('film.fr.srt'), 'one that cannot be read stays too')
})

test('subtitles that run and submit are given come along', async (t) => {
  const dir = await folder(t)
  await copyFile(await ensureSource('short'), join(dir, 'film.mp4'))
  await writeFile(join(dir, 'film.de.srt'), '1\n00:00:00,200 --> 00:00:00,600\nGuten Tag\n')
  await writeFile(join(dir, 'english.en.forced.srt'), '1\n00:00:00,200 --> 00:00:00,600\nHello\n')
  const recipe = ['--renditions', '480p', '--preset', 'ultrafast']
  const flags = ['--subtitles', 'film.de.srt', '--subtitles', 'english.en.forced.srt', ...recipe]
  const node = await startNode(t, dir, { name: 'solo', flags: ['--slots', '1'] })
  for (const [dataDir, ...verb] of [
    [join(dir, 'alone'), 'run', '--workers', '1'],
    [node.dataDir, 'submit', '--wait'],
  ] as const) {
    const out = join(dir, verb[0])
    const { code, stderr } = await runCli([...verb, 'film.mp4', ...flags, '--out', out], { cwd: dir, dataDir })
    assert.equal(code, 0, stderr)
    const { streams } = await probe(join(out, '480p', 'film.mp4'))
    const texts = streams.filter(({ type }) => type === 'subtitle')
    assert.deepEqual(
      texts.map(({ tags }) => tags['language']),
      ['deu', 'eng'],
      verb[0],
    )
    const [german] = await subtitles(join(out, '480p', 'film.mp4'))
    assert.deepEqual(german, [{ start_s: 0.2, end_s: 0.6, text: 'Guten Tag' }], verb[0])
  }
})
