/** What a person may do with a video. */
import { useEffect, useState } from 'preact/hooks'
import type { VideoDetail } from '../../../protocol/status.ts'
import { isOpen } from '../../../protocol/video-status.ts'
import { send } from '../api.ts'
import { ask } from '../feed/ask.ts'
import { token, type video } from '../state.ts'
import { confirmThat } from './dialog.tsx'

type Row = NonNullable<typeof video.value>
/** How far one press moves a video before or behind others. */
const PRIORITY_STEP = 10

export function VideoActions({ row }: { row: Row }) {
  const act = (verb: string, done: string, body?: unknown) =>
    void send<{ result: string }>(`/v1/videos/${row.id}/${verb}`, body, ({ result }) =>
      result === 'changed' ? `${row.name} ${done}` : `${row.name} is as it should be already`,
    )
  const setPriority = (priority: number) => act('priority', `has priority ${priority} now`, { priority })
  return (
    <p class="buttons">
      <WatchLink row={row} />
      {isOpen(row.status) && (
        <>
          <button type="button" onClick={() => setPriority(row.priority + PRIORITY_STEP)}>
            Sooner
          </button>
          <button type="button" onClick={() => setPriority(row.priority - PRIORITY_STEP)}>
            Later
          </button>
          <label>
            Wanted by{' '}
            <input
              type="datetime-local"
              value={localTime(row.deadline)}
              onChange={(event) =>
                act('deadline', 'has that deadline now', {
                  deadline: event.currentTarget.value ? new Date(event.currentTarget.value).getTime() : null,
                })
              }
            />
          </label>
          <button
            type="button"
            onClick={() =>
              confirmThat({
                title: `Cancel ${row.name}?`,
                text: `Its work stops at ${Math.floor(row.done * 100)} %. What is encoded stays for a day: a retry goes on from there.`,
                act: 'Cancel it',
                run: () => act('cancel', 'is cancelled'),
              })
            }
          >
            Cancel
          </button>
        </>
      )}
      {['FAILED', 'CANCELLED'].includes(row.status) && (
        <button type="button" onClick={() => act('retry', 'is taken up again')}>
          Retry
        </button>
      )}
      {row.priority !== 0 && <span class="badge">priority {row.priority}</span>}
    </p>
  )
}

/** Where it can be watched, also while it is encoded: only a package for HLS can. */
function WatchLink({ row }: { row: Row }) {
  const [hasPackage, setHasPackage] = useState(false)
  useEffect(() => {
    setHasPackage(false)
    void ask(`/v1/videos/${row.id}`, token.value)
      .then((answer) => answer.json() as Promise<VideoDetail>)
      .then(({ recipe }) => setHasPackage(recipe.package?.formats.includes('hls') ?? false))
      .catch(() => setHasPackage(false))
  }, [row.id])
  if (!hasPackage || ['FAILED', 'CANCELLED'].includes(row.status)) return null
  return (
    <a class="button main" href={`/watch/${row.id}`}>
      {row.status === 'COMPLETED' ? 'Watch' : 'Watch what is there'}
    </a>
  )
}

/** A time as the field of a form has it, in the time zone of the person. */
function localTime(at: number | null): string {
  if (at === null) return ''
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
