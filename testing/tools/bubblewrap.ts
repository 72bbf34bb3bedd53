/** Finds bubblewrap, which confines ffmpeg, or installs it through the system's package manager where this user may. */
import { installPackage, onPath } from './system-packages.ts'

const NAME = 'bubblewrap'

/** The absolute path of `bwrap`. Throws one sentence that says what to install where there is none. */
export async function ensureBubblewrap(): Promise<string> {
  const found = await onPath('bwrap')
  if (found) return found
  console.error(`reelmesh: there is no bwrap on the path; installing ${NAME}`)
  const installed = await installPackage({ apt: NAME, dnf: NAME, apk: NAME, pacman: NAME })
  const path = await onPath('bwrap')
  if (path) return path
  throw new Error(`bubblewrap is missing${installed.done ? '' : `: ${installed.why}`}; install ${NAME}`)
}
