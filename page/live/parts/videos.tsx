/** The videos of the mesh, newest first; one of them is shown beside. */
import { isOpen } from '../../../protocol/video-status.ts'
import { choose, unlisted, video, videos } from '../state.ts'
import { percentText, STATUS_WORDS, spanText, speedText, timeText } from '../words.ts'
import { Card } from './card.tsx'
import { VirtualList } from './virtual-list.tsx'

type Row = (typeof videos.value)[number]

export const Videos = () => (
  <Card title="Videos" id="videos" extra={<span class="note">{sumText(videos.value)}</span>}>
    {videos.value.length === 0 && <p class="empty">There are none yet. Add one, or drop a file on this page.</p>}
    <VirtualList label="Videos, newest first" items={videos.value} rowHeight={62} keyOf={({ id }) => id}>
      {(row) => <VideoButton row={row} />}
    </VirtualList>
    {unlisted.value > 0 && <p class="note">and {unlisted.value} more that wait or are worked on</p>}
  </Card>
)

function VideoButton({ row }: { row: Row }) {
  const isShown = row.id === video.value?.id
  return (
    <button type="button" class="video" aria-pressed={isShown} onClick={() => choose(row.id)}>
      <span class="name">{row.name}</span>
      <span class={`badge ${row.status}`}>{STATUS_WORDS[row.status]}</span>
      <Bar share={row.status === 'COMPLETED' ? 1 : row.done} />
      <span class="note">{progressText(row)}</span>
    </button>
  )
}

/** A bar; what it shows stands beside it in words. */
export const Bar = ({ share }: { share: number }) => (
  <span class="bar" aria-hidden="true">
    <span style={{ width: `${share * 100}%` }} />
  </span>
)

/** How far a video is, in words. */
export function progressText({ status, done, speed, eta_s, created_at, still }: Row): string {
  if (!isOpen(status)) return `submitted ${timeText(created_at)}`
  if (still) return still.text
  const parts = [percentText(done)]
  if (speed !== null) parts.push(speedText(speed))
  if (eta_s !== null) parts.push(`${spanText(eta_s)} left`)
  return parts.join(' · ')
}

function sumText(all: readonly Row[]): string {
  const open = all.filter(({ status }) => isOpen(status)).length
  return all.length === 0 ? '' : `${open} open, ${all.length - open} ended`
}
