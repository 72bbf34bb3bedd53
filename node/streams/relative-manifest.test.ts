import assert from 'node:assert/strict'
import { it } from 'node:test'
import { withoutPrefix } from './relative-manifest.ts'

it('takes the prefix from names, and from nothing else', () => {
  for (const prefix of ['https://cdn.example.org/a/', '/', 'films/', 'https://a.example/?a=1&b=$1/']) {
    const xml = prefix.replaceAll('&', '&amp;')
    const of = (names: string, escaped: string) =>
      [
        `#EXT-X-MAP:URI="${names}video-480p.mp4",BYTERANGE="727@0"`,
        `${names}video-480p.mp4`,
        `#EXT-X-KEY:METHOD=AES-128,URI="${prefix}key.bin"`,
        `#EXT-X-MEDIA:TYPE=AUDIO,NAME="English / films/video"`,
        `<AdaptationSet contentType="video" mimeType="video/mp4" lang="en"/>`,
        `  <BaseURL>${escaped}video-480p.mp4</BaseURL>`,
        `<SegmentTemplate media="${escaped}thumbnails-$Number%05d$.jpg" duration="50"/>`,
      ].join('\n')
    assert.equal(withoutPrefix(of(prefix, xml), prefix), of('', ''))
  }
})
