/** Finds Prometheus with its promtool, or installs them through the system's package manager where this user may. */
import { installPackage, onPath } from './system-packages.ts'

/** The absolute paths of both programs. Throws one sentence that says what to install where there are none. */
export async function ensurePrometheus(): Promise<{ readonly prometheus: string; readonly promtool: string }> {
  const found = await programs()
  if (found) return found
  console.error('reelmesh: there is no prometheus on the path; installing it')
  const installed = await installPackage({
    apt: 'prometheus',
    apk: 'prometheus',
    pacman: 'prometheus',
    brew: 'prometheus',
  })
  const now = await programs()
  if (now) return now
  throw new Error(
    `prometheus is missing${installed.done ? '' : `: ${installed.why}`}; install prometheus with promtool`,
  )
}

async function programs() {
  const [prometheus, promtool] = [await onPath('prometheus'), await onPath('promtool')]
  return prometheus && promtool ? { prometheus, promtool } : null
}
