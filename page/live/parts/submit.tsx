/** Submits videos: files of this computer, which are uploaded, or one on the node, by its path. Files may be dropped anywhere on the page. */
import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { outcome, type Recipe, submitTo } from '../api.ts'
import { ask } from '../feed/ask.ts'
import { token } from '../state.ts'
import { uploadFile } from '../uploads.ts'
import { countText } from '../words.ts'
import { Dialog } from './dialog.tsx'

/** The files with which the dialog is open; null where it is closed. */
const chosen = signal<readonly File[] | null>(null)

export const SubmitButton = () => (
  <button type="button" class="main" onClick={() => (chosen.value = [])}>
    Add a video
  </button>
)

/** Opens the dialog with files that are dropped on the page. */
export function takeDrops(): void {
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    event.preventDefault()
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length > 0) chosen.value = files
  })
}

export function SubmitDialog() {
  if (chosen.value === null) return null
  return <SubmitForm files={chosen.value} close={() => (chosen.value = null)} />
}

interface Form {
  readonly path: string
  readonly ladder: string
  readonly canBeWatched: boolean
}

const recipeOf = ({ ladder, canBeWatched }: Form): Recipe => ({
  recipe: canBeWatched ? { package: { formats: ['hls'] } } : {},
  ...(ladder && { ladder }),
})

function SubmitForm({ files, close }: { files: readonly File[]; close(): void }) {
  const [form, setForm] = useState<Form>({ path: '', ladder: '', canBeWatched: true })
  const [isBusy, setBusy] = useState(false)
  const change = (part: Partial<Form>) => setForm({ ...form, ...part })
  const submit = async (event: Event) => {
    event.preventDefault()
    for (const file of files) void uploadFile(file, recipeOf(form))
    if (files.length > 0) return close()
    setBusy(true)
    if (await submitTo('/v1/videos', { path: form.path, ...recipeOf(form) })) close()
    setBusy(false)
  }
  return (
    <Dialog title="Add a video" close={close}>
      <form onSubmit={submit}>
        <FileChoice files={files} path={form.path} changePath={(path) => change({ path })} />
        <LadderChoice choose={(ladder) => change({ ladder })} />
        <label class="check">
          <input
            type="checkbox"
            checked={form.canBeWatched}
            onChange={({ currentTarget }) => change({ canBeWatched: currentTarget.checked })}
          />
          It can be watched here, also while it is encoded (a package for HLS)
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
            {isBusy ? 'It is being read …' : files.length > 0 ? 'Upload and submit' : 'Submit'}
          </button>
        </p>
      </form>
    </Dialog>
  )
}

interface FileChoiceProps {
  readonly files: readonly File[]
  readonly path: string
  changePath(path: string): void
}

function FileChoice({ files, path, changePath }: FileChoiceProps) {
  return (
    <>
      <label class="drop">
        Files of this computer: choose them, or drop them on the page
        <input
          type="file"
          multiple
          onChange={({ currentTarget }) => (chosen.value = [...(currentTarget.files ?? [])])}
        />
      </label>
      {files.length > 0 ? (
        <p>
          {countText(files.length, 'file')} to upload: {files.map(({ name }) => name).join(', ')}
        </p>
      ) : (
        <label>
          Or the path of a file, on the machine of this node
          <input
            type="text"
            required
            pattern="/.+"
            title="a path from the root, such as /films/river.mp4"
            placeholder="/films/river.mp4"
            value={path}
            onInput={({ currentTarget }) => changePath(currentTarget.value)}
          />
        </label>
      )}
    </>
  )
}

function LadderChoice({ choose }: { choose(name: string): void }) {
  const [names, setNames] = useState<readonly string[]>([])
  useEffect(() => {
    ask('/v1/ladders', token.value)
      .then((answer) => answer.json())
      .then((ladders: readonly { name: string }[]) => setNames(ladders.map(({ name }) => name)))
      .catch(() => setNames([]))
  }, [])
  return (
    <label>
      Ladder
      <select onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">usual: 480p, 720p, 1080p</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
