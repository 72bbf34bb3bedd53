/** A film with all that MP4 does not hold: Blu-ray subtitles, ASS, fonts, FLAC and a second picture, and two languages, chapters and a cover. */
import { beepsWav } from './beeps.ts'
import { bitmapSubtitles } from './bitmap-subtitles.ts'
import { picture, type RealCase, X264 } from './real.ts'

const SECONDS = 20

const ASS = `[Script Info]
ScriptType: v4.00+
PlayResX: 640

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Alignment
Style: Sign,Fancy,40,&H0000FF00,8

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Sign,{\\pos(10,20)\\k30}La la
Dialogue: 0,0:00:05.00,0:00:07.00,Sign,{\\move(0,0,9,9)}Lo lo
`
const SRT = '1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>\nthere\n\n2\n00:00:09,500 --> 00:00:11,250\nBye\n'
/** The first font. */
export const FONT = Buffer.from('\0\x01\0\0 no font, but bytes that nobody may change \xff\xfe', 'latin1')

/** Makes `rich.mkv`, 20 s long, with the fonts `one.ttf` and `two.otf`, of twice the bytes. */
export async function richFilm(film: RealCase): Promise<string> {
  await film.write('a.sup', bitmapSubtitles([[1, 2], [4, 6]])) // biome-ignore format: a list
  await film.write('a.ass', ASS)
  await film.write('a.srt', SRT)
  await film.write('one.ttf', FONT)
  await film.write('two.otf', Buffer.concat([FONT, FONT]))
  for (const [track, channels] of ([2, 6] as const).entries())
    await film.write(`${track}.wav`, beepsWav({ track, channels, rate: 48_000, seconds: SECONDS }))
  await film.make('cover.jpg', [...picture({ seconds: 1, rate: '1', size: '64x64' }), '-frames:v', '1'])
  await film.write(
    'chapters.txt',
    ';FFMETADATA1\ntitle=The Film\nartist=Someone\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=9000\ntitle=Middle\n',
  )
  return film.make('rich.mkv', [
    ...picture({ seconds: SECONDS, size: '160x90' }), '-i', '0.wav', '-i', '1.wav', '-i', 'a.sup', '-i', 'a.ass', '-i', 'a.srt', '-i', 'chapters.txt',
    '-itsoffset', '1.5', ...picture({ seconds: 4, size: '80x60', rate: '30000/1001', of: 'testsrc' }),
    ...[0, 1, 2, 3, 4, 5, 7].flatMap((input) => ['-map', String(input)]), '-map_metadata', '6', '-map_chapters', '6', ...X264, '-g', '50', '-bf', '2',
    '-c:a:0', 'flac', '-c:a:1', 'ac3', '-c:s:0', 'copy', '-c:s:1', 'copy', '-c:s:2', 'srt',
    '-metadata:s:v:1', 'language=swe', '-metadata:s:v:1', 'title=Rear', '-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng', '-metadata:s:a:1', 'title=Original', '-disposition:a:1', 'original',
    '-metadata:s:s:0', 'language=fra', '-metadata:s:s:1', 'language=jpn', '-metadata:s:s:1', 'title=Signs', '-metadata:s:s:2', 'language=eng', '-disposition:s:1', 'forced',
    '-attach', 'one.ttf', '-metadata:s:t:0', 'mimetype=font/ttf', '-attach', 'two.otf', '-metadata:s:t:1', 'mimetype=application/vnd.ms-opentype',
    '-attach', 'cover.jpg', '-metadata:s:t:2', 'mimetype=image/jpeg',
  ]) // biome-ignore format: groups
}
