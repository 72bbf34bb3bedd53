/** The video that is shown: how far it is, its grid, its renditions, and what it waits for or failed at. */
import { isOpen } from '../../../protocol/video-status.ts'
import { nextMarked } from '../feed/grid.ts'
import { CELL_STATES, MARK } from '../feed/messages.ts'
import { chosenTask, video, videoGrid } from '../state.ts'
import { bytesText, countText, STATUS_WORDS, spanText, timeText } from '../words.ts'
import { Card } from './card.tsx'
import { ChunkGrid } from './chunk-grid.tsx'
import { TaskInfo } from './task-info.tsx'
import { VideoActions } from './video-actions.tsx'
import { Bar, progressText } from './videos.tsx'

type Row = NonNullable<typeof video.value>

export function VideoDetail() {
  const row = video.value
  if (!row) return null
  return (
    <Card title={row.name} id="video" extra={<span class={`badge ${row.status}`}>{STATUS_WORDS[row.status]}</span>}>
      <Bar share={row.status === 'COMPLETED' ? 1 : row.done} />
      <p class="note">{aboutText(row)}</p>
      <VideoActions row={row} />
      {row.failure && <p class="notice bad">{row.failure}</p>}
      {row.waiting && <p class="notice">{row.waiting.text}</p>}
      {row.forecast && <p class="note">{row.forecast.text}</p>}
      <ChunkGrid name={row.name} />
      <GridWords />
      <TaskInfo />
      <Renditions row={row} />
      {row.notes.map((note) => (
        <p class="note" key={note}>
          {note}
        </p>
      ))}
    </Card>
  )
}

/** Marks of cells in words. */
const HEALED = [
  { mark: MARK.again, look: 'again', text: 'done or claimed again' },
  { mark: MARK.reclaimed, look: 'again', text: 'reclaimed from a failed worker' },
  { mark: MARK.backup, look: 'backup', text: 'with a backup attempt' },
  { mark: MARK.failure, look: 'failure', text: 'with a failed attempt' },
] as const

function aboutText(row: Row): string {
  const { seconds, created_at, held, status } = row
  const length = seconds > 0 ? `${spanText(seconds)} long` : ''
  return [progressText(row), isOpen(status) ? `submitted ${timeText(created_at)}` : '', length, held.text]
    .filter(Boolean)
    .join(' · ')
}

/** What the colours mean, and in words how many cells healed: each of these leads to the next one. */
function GridWords() {
  const grid = videoGrid.value
  if (!grid) return null
  const count = (mark: number) => grid.marks.reduce((sum, marks) => sum + (marks & mark ? 1 : 0), 0)
  return (
    <>
      <ul class="legend cells">
        {CELL_STATES.slice(0, 4).map((state) => (
          <li key={state} class={state}>
            {state}
          </li>
        ))}
        {HEALED.map(({ mark, look, text }) => (
          <li key={text} class={look}>
            <button
              type="button"
              class="plain"
              disabled={count(mark) === 0}
              onClick={() => (chosenTask.value = nextMarked(grid, chosenTask.peek(), mark))}
            >
              {text}: {count(mark)}
            </button>
          </li>
        ))}
      </ul>
      <ul class="steps" aria-label="Steps of the whole video">
        {grid.steps.map(({ id, name, state, count, done }) => (
          <li key={name}>
            <button type="button" class={CELL_STATES[state]} onClick={() => (chosenTask.value = id)}>
              {name}: {count > 1 ? `${done} of ${count} done` : CELL_STATES[state]}
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}

function Renditions({ row }: { row: Row }) {
  const ids = [
    ...new Set(row.tasks.filter(({ kind }) => kind === 'video').map(({ resolution }) => resolution as string)),
  ]
  if (ids.length === 0) return null
  const count = (id: string, wanted?: string) =>
    row.tasks
      .filter(({ resolution, status }) => resolution === id && (wanted === undefined || status === wanted))
      .reduce((sum, { count }) => sum + count, 0)
  return (
    <div class="table">
      <table>
        <caption class="unseen">Renditions of {row.name}</caption>
        <thead>
          <tr>
            <th scope="col">Rendition</th>
            <th scope="col">Done</th>
            <th scope="col">Runs</th>
            <th scope="col">Encode</th>
          </tr>
        </thead>
        <tbody>
          {ids.map((id) => (
            <tr key={id}>
              <th scope="row">{id}</th>
              <td>
                {count(id, 'COMPLETED')} of {countText(count(id), 'chunk')}
              </td>
              <td>{count(id, 'PROCESSING')}</td>
              <td>{encodeText(row, id)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function encodeText({ renditions, outputs }: Row, id: string): string {
  const planned = renditions.find((rendition) => rendition.id === id)
  const bytes = planned?.bytes ?? outputs.find(({ path }) => path.startsWith(`${id}/`))?.bytes
  const parts = planned ? [`${planned.width}×${planned.height}`, planned.encoder, planned.preset] : []
  return [...parts, ...(bytes ? [bytesText(bytes)] : [])].join(' · ')
}
