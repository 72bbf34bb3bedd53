/** Finds a Chromium, or installs one through the system's package manager where this user may. REELMESH_CHROMIUM names another. */
import { installPackage, onPath } from './system-packages.ts'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome']

/** The absolute path of a Chromium. Rejects with one sentence that says what to install where there is none. */
export async function ensureChromium(): Promise<string> {
  const found = await findChromium()
  if (found) return found
  console.error('reelmesh: chromium is not on the path; installing it')
  const [name] = COMMANDS as [string, ...string[]]
  const installed = await installPackage({ apt: name, dnf: name, apk: name, pacman: name })
  const second = await findChromium()
  if (second) return second
  const why = installed.done ? 'chromium is not on the path' : `chromium is not on the path: ${installed.why}`
  throw new Error(`${why}. Install Chromium, or set REELMESH_CHROMIUM.`)
}

async function findChromium(): Promise<string | null> {
  if (process.env.REELMESH_CHROMIUM) return process.env.REELMESH_CHROMIUM
  for (const command of COMMANDS) {
    const path = await onPath(command)
    if (path) return path
  }
  return null
}
