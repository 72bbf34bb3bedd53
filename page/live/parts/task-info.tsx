/** The chosen task: its attempts, how each ended, the last line of ffmpeg of those that failed, and their whole log. */
import { useEffect, useState } from 'preact/hooks'
import { ask } from '../feed/ask.ts'
import type { ShownTask } from '../feed/messages.ts'
import { chosenTask, peerName, task, token } from '../state.ts'
import { countText, timeText } from '../words.ts'
import { Dialog } from './dialog.tsx'
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
  const [isOpen, setOpen] = useState(false)
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
      {log && (
        <button type="button" class="plain" onClick={() => setOpen(true)}>
          The whole log of ffmpeg
        </button>
      )}
      {log && isOpen && (
        <LogDialog
          title={`ffmpeg at ${taskName(task)}, attempt ${attempt}`}
          path={`/v1/videos/${task.split('/')[0]}/logs/${log}`}
          close={() => setOpen(false)}
        />
      )}
    </li>
  )
}

/** A log, asked for with the token of the page: a link would have none. */
function LogDialog({ title, path, close }: { title: string; path: string; close(): void }) {
  const [text, setText] = useState('It is being fetched.')
  useEffect(() => {
    ask(path, token.value)
      .then(async (answer) => {
        const got = await answer.text()
        setText(answer.ok ? got : (JSON.parse(got) as { detail: string }).detail)
      })
      .catch(() => setText('The node does not answer.'))
  }, [])
  return (
    <Dialog title={title} close={close}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre class="log" tabIndex={0}>
        {text}
      </pre>
      <p class="buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </Dialog>
  )
}
