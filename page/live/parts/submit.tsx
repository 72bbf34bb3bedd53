/** Submits a video: a file on the node, by its path. */
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { outcome, send } from '../api.ts'
import { ask } from '../feed/ask.ts'
import { choose, token } from '../state.ts'
import { Dialog } from './dialog.tsx'

const isOpen = signal(false)

export const SubmitButton = () => (
  <button type="button" class="main" onClick={() => (isOpen.value = true)}>
    Add a video
  </button>
)

/** What is made of it. */
interface Form {
  readonly path: string
  readonly ladder: string
  readonly canBeWatched: boolean
}

interface Submitted {
  readonly id: string
  readonly name: string
  readonly outcome: 'created' | 'joined' | 'retried'
}
const OUTCOMES = {
  created: 'is submitted',
  joined: 'is known already, and goes on',
  retried: 'is taken up again',
} as const

async function submit({ path, ladder, canBeWatched }: Form): Promise<boolean> {
  const recipe = canBeWatched ? { package: { formats: ['hls'] } } : {}
  const body = { path, recipe, ...(ladder && { ladder }) }
  const got = await send<Submitted>('/v1/videos', body, ({ name, outcome }) => `${name} ${OUTCOMES[outcome]}`)
  if (got) choose(got.id)
  return got !== null
}

export function SubmitDialog() {
  if (!isOpen.value) return null
  return <SubmitForm close={() => (isOpen.value = false)} />
}

function SubmitForm({ close }: { close(): void }) {
  const [form, setForm] = useState<Form>({ path: '', ladder: '', canBeWatched: true })
  const [isBusy, setBusy] = useState(false)
  const ladders = useLadders()
  const change = (part: Partial<Form>) => setForm({ ...form, ...part })
  return (
    <Dialog title="Add a video" close={close}>
      <form
        onSubmit={async (event) => {
          event.preventDefault()
          setBusy(true)
          if (await submit(form)) close()
          setBusy(false)
        }}
      >
        <label>
          Path of the file, on the machine of this node
          <input
            type="text"
            required
            pattern="/.+"
            title="a path from the root, such as /films/river.mp4"
            placeholder="/films/river.mp4"
            value={form.path}
            onInput={({ currentTarget }) => change({ path: currentTarget.value })}
          />
        </label>
        <label>
          Ladder
          <select onChange={({ currentTarget }) => change({ ladder: currentTarget.value })}>
            <option value="">usual: 480p, 720p, 1080p</option>
            {ladders.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={form.canBeWatched}
            onChange={({ currentTarget }) => change({ canBeWatched: currentTarget.checked })}
          />
          It can be watched here (a package for HLS)
        </label>
        {outcome.value?.isBad && (
          <p class="notice bad" role="alert">
            {outcome.value.text}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={close}>
            Close
          </button>
          <button type="submit" class="main" disabled={isBusy}>
            {isBusy ? 'It is being read …' : 'Submit'}
          </button>
        </p>
      </form>
    </Dialog>
  )
}

function useLadders(): readonly string[] {
  const [names, setNames] = useState<readonly string[]>([])
  useEffect(() => {
    ask('/v1/ladders', token.value)
      .then((answer) => answer.json())
      .then((ladders: readonly { name: string }[]) => setNames(ladders.map(({ name }) => name)))
      .catch(() => setNames([]))
  }, [])
  return names
}
