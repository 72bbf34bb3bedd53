/** The environment for a worker process: this process's own settings are not its workers', as a watched folder is watched once. */
export function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(env).filter(([name]) => !name.startsWith('REELMESH_'))
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}
