/** The chosen task: its attempts, how each ended, the last line of ffmpeg of those that failed, and their whole log. */
import type { ShownTask } from '../feed/messages.ts'
import { chosenTask, peerName, task } from '../state.ts'
import { countText, timeText } from '../words.ts'
import { taskName } from './peer-look.ts'

type Attempt = ShownTask['attempts'][number]

const WORDS = {
  PENDING: 'waits for a worker',
  PROCESSING: 'runs',
  COMPLETED: 'is done',
  FAILED: 'has failed',
  CANCELLED: 'was cancelled',
} as const

export function TaskInfo() {
  if (task.value?.row.id !== chosenTask.value || !task.value)
    return <p class="task note">Choose a chunk to see its attempts: click one, or use the arrow keys.</p>
  const { row, attempts } = task.value
  return (
    <div class="task" aria-live="polite">
      <p>
        <strong>{taskName(row.id)}</strong> {WORDS[row.status]}
        <span class="note">
          {' · '}
          {[countText(row.attempt, 'attempt'), row.encode].filter(Boolean).join(' · ')}
        </span>
      </p>
      <ul>
        {attempts.map((attempt) => (
          <AttemptRow key={attempt.attempt} attempt={attempt} />
        ))}
      </ul>
    </div>
  )
}

function AttemptRow({
  attempt: { attempt, peer, backup, end, cause, message, log, ended_at, task },
}: {
  attempt: Attempt
}) {
  return (
    <li>
      <span class={`end ${end}`}>{end}</span> attempt {attempt}
      {peer && ` at ${peerName(peer)}`}
      {backup && <span class="badge backup">backup</span>}
      <span class="note">
        {ended_at !== null && ` ${timeText(ended_at)}`}
        {cause && ` · ${cause.replaceAll('_', ' ')}`}
      </span>
      {message && <pre>{message}</pre>}
      {log && <a href={`/v1/videos/${task.split('/')[0]}/logs/${log}`}>The whole log of ffmpeg</a>}
    </li>
  )
}
