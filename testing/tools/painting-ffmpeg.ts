/** An ffmpeg that shows other pictures: right in number and time, wrong in content, at encodes of chunks only. */
import { join } from 'node:path'
import { ensureFfmpeg } from './ffmpeg.ts'
import { writeWrapper } from './wrapped-ffmpeg.ts'

/** Writes it into the folder; answers the flags of a node that uses it. In the sandbox it could not be read. */
export async function paintingFfmpeg(dir: string): Promise<{ readonly ffmpeg: string; readonly sandbox: 'off' }> {
  const { ffmpeg: real } = await ensureFfmpeg()
  const path = join(dir, 'painting-ffmpeg')
  // Only the filter graph of an encode in a scratch folder sets the aspect of its pixels: each picture becomes its negative.
  const script = `#!/bin/sh
case "$*" in */scratch/*)
  for WORD do
    shift
    case "$WORD" in *setsar=1*) WORD="$(printf %s "$WORD" | sed 's/setsar=1/setsar=1,negate/g')" ;; esac
    set -- "$@" "$WORD"
  done ;;
esac
exec '${real}' "$@"
`
  await writeWrapper(path, script)
  return { ffmpeg: path, sandbox: 'off' }
}
