/** Where this user's caches of Reelmesh lie: trial runs of ffmpeg, compiled code. May be removed at any time. */
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** `$XDG_CACHE_HOME/reelmesh`; a relative path there is ignored, as the XDG Base Directory Specification wants. */
export const cacheDir = (env: NodeJS.ProcessEnv = process.env): string =>
  join(
    env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME) ? env.XDG_CACHE_HOME : join(homedir(), '.cache'),
    'reelmesh',
  )
