import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RecipeRefused } from '../../protocol/errors.ts'
import { DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { boxOfHeight, type Rendition } from '../../protocol/rendition.ts'
import { createMustBeAble } from './refuse-unable.ts'
import { heldPresets, type KnownPeer, whoCan, whyNobody } from './who-can.ts'

const peer = (name: string, change: Partial<KnownPeer> = {}): KnownPeer => ({
  ...{ name, slots: 2, roles: ['worker', 'coordinator'], encoders: ['opus', 'x264', 'x265-199'], renditions: 'all' },
  ...change,
})
const worker = (name: string, change: Partial<KnownPeer> = {}) => peer(name, { roles: ['worker'], ...change })
const hevc: Rendition = {
  ...{ id: '720p-hevc', box: boxOfHeight(720), codec: 'hevc', rate: { crf: 25 }, preset: 'medium', bit_depth: 8 },
}
const recipe: Recipe = { ...DEFAULT_RECIPE, renditions: [...ladderOf([480]), hevc] }
const bare = { encoders: ['x264'] }

describe('who can encode a ladder', () => {
  test('is said for each rendition, with what the others lack', () => {
    const peers = [peer('nas', bare), worker('pc'), worker('pi', { renditions: ['480p'] }), peer('hub', { slots: 0 })]
    assert.deepEqual(whoCan(recipe, peers), [
      { part: '480p', codec: 'h264', encoder: 'x264', able: ['nas', 'pc', 'pi'], unable: [] },
      {
        ...{ part: '720p-hevc', codec: 'hevc', encoder: 'x265-199', able: ['pc'] },
        unable: [
          { name: 'nas', lacks: 'no encoder for hevc' },
          { name: 'pi', lacks: 'no leave of its owner (`renditions`) for 720p-hevc' },
        ],
      },
    ])
  })

  test('is nobody where no worker has the encoder, or none may use it', () => {
    assert.equal(whyNobody(recipe, [peer('nas')]), null)
    assert.equal(
      whyNobody(recipe, [peer('a', bare), worker('b', bare), worker('c', { renditions: ['480p'] })]),
      'No peer of this mesh can encode the rendition 720p-hevc: a and b have no encoder for hevc; c has no leave of its owner (`renditions`) for 720p-hevc.',
    )
    const many = Array.from({ length: 7 }, (_, at) => worker(`w${at}`, bare))
    assert.match(whyNobody(recipe, many) ?? '', /: w0, w1, w2, w3 and 3 more have no encoder for hevc\.$/)
  })

  test('is nobody where no coordinator has the build of a worker, as the plan takes its trial frames', () => {
    assert.equal(
      whyNobody(recipe, [peer('hub', { slots: 0, ...bare }), worker('pc')]),
      'No coordinator of this mesh can plan this ladder: hub has no encoder for hevc.',
    )
    assert.match(
      whyNobody(recipe, [peer('hub', { slots: 0, encoders: ['x264', 'x265-216'] }), worker('pc')]) ?? '',
      /hub has x265-216, and no worker has that build\.$/,
    )
    assert.equal(whyNobody(recipe, [worker('pc')]), null, 'a coordinator may come')
  })

  test('and at which preset, where its build shows wrong pictures at the one asked for', () => {
    const av1 = { ...hevc, id: '720p-av1', codec: 'av1', preset: '12' }
    const wanted = { renditions: [...ladderOf([480]), av1] }
    const said = (encoder: string) =>
      heldPresets(wanted, whoCan(wanted, [peer('nas', { encoders: ['x264', encoder] })]))
    assert.deepEqual(said('svtav1-1-4-1'), [])
    assert.deepEqual(said('svtav1-4-1-0'), [
      '720p-av1 is encoded at preset 9, as svtav1-4-1-0 shows wrong blocks at 12.',
    ])
    assert.deepEqual(heldPresets(wanted, whoCan(wanted, [peer('nas')])), [], 'nobody')
  })

  test('is asked of the bit depth too: builds differ in it', () => {
    const deep: Recipe = { ...recipe, renditions: [{ ...hevc, bit_depth: 10 }] }
    assert.match(whyNobody(deep, [peer('nas')]) ?? '', /: nas has no encoder for hevc 10 bit\.$/)
    assert.equal(whyNobody(deep, [peer('nas', { encoders: ['x264', 'x265-199', 'x265-199-10bit'] })]), null)
  })

  test('is not asked of workers while there is none', () => {
    assert.equal(whyNobody(recipe, [peer('hub', { slots: 0 })]), null)
    assert.match(whyNobody(recipe, [peer('hub', { slots: 0, ...bare })]) ?? '', /hub has no encoder for hevc/)
  })

  test('is asked of the sound too where not every build encodes it', () => {
    const sound: Recipe = { ...DEFAULT_RECIPE, audio: [{ codec: 'opus' }] }
    assert.equal(whyNobody(sound, [peer('nas')]), null)
    assert.match(
      whyNobody(sound, [peer('nas', bare)]) ?? '',
      /encode the sound as opus: nas has no encoder for opus\.$/,
    )
    assert.equal(whyNobody({ ...sound, audio: [{ codec: 'aac' }] }, [peer('nas', bare)]), null)
  })
})

describe('a submit that nobody can do', () => {
  const { signal } = new AbortController()
  function mesh(self: KnownPeer, { later = [] as KnownPeer[], engines = 0, tested = self.encoders } = {}) {
    const at = { now: 0, tests: 0 }
    const modules = {
      clock: {
        mono: () => at.now,
        sleep: async (ms: number) => {
          at.now += ms
        },
      },
      ledger: { engines: async () => Array.from({ length: engines }, () => ({ peers: ['x'] }) as never) },
      media: {
        selfTest: async () => {
          at.tests++
          return { encoders: tested } as never
        },
      },
      self,
      heard: () => (at.now >= 4_000 ? later : []),
    }
    return { at, ask: (isAlone = false) => createMustBeAble(modules, isAlone)(recipe, signal) }
  }

  test('is refused with who lacks what, once the others were heard', async () => {
    const { ask, at } = mesh(peer('nas', bare), { later: [worker('pc', bare)] })
    await assert.rejects(ask(), (error) => {
      assert.ok(error instanceof RecipeRefused)
      assert.match(error.message, /nas and pc have no encoder for hevc\.$/)
      return true
    })
    assert.ok(at.now >= 10_000)
    const joined = mesh(peer('nas', { ...bare, roles: ['worker'] }), { later: [peer('pc')] })
    await joined.ask()
    assert.ok(joined.at.now < 10_000)
  })

  test('is refused at once in a run, by what all trials of its ffmpeg show', async () => {
    const lacking = mesh(peer('this process', bare))
    await assert.rejects(lacking.ask(true), RecipeRefused)
    assert.equal(lacking.at.now, 0)
    const later = mesh(peer('this process', bare), { tested: ['x264', 'x265-199'] })
    await later.ask(true)
    assert.equal(later.at.tests, 1)
  })

  test('is taken where the mesh starts workers by itself: what those can do is not known yet', async () => {
    await mesh(peer('hub', { ...bare, slots: 0 }), { engines: 1 }).ask()
  })

  test('that somebody can do asks for nothing', async () => {
    const { ask, at } = mesh(peer('nas'))
    await ask()
    assert.deepEqual(at, { now: 0, tests: 0 })
  })
})
