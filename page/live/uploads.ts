/** Uploads of files to the node, by tus-js-client: they go on where they broke off, also after the page was closed and the file chosen again. */
import { signal } from '@preact/signals'
import { defaultOptions, Upload } from 'tus-js-client'
import { outcome, type Recipe, requestKey, submitTo } from './api.ts'
import { connection, isOtherTokenWanted, token } from './state.ts'

const CHUNK_BYTES = 8 * 1024 * 1024
/** Pauses before it is tried again, ms: a node that is started again is back within them. */
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000]

/** One that runs. */
export interface RunningUpload {
  /** Files of different folders may have the same name. */
  readonly number: number
  readonly name: string
  readonly bytes: number
  readonly sent: number
  /** Gives it up. */
  stop(): void
}

export const uploads = signal<readonly RunningUpload[]>([])
let begun = 0

/** Uploads a file, then submits it. */
export async function uploadFile(file: File, recipe: Recipe): Promise<void> {
  // The library takes every refusal of an upload that it goes on with for the loss of it.
  if (connection.value === 'token') return sayFailed(file, 'this node asks for a token: give it first')
  if (!(await isReadable(file))) return sayFailed(file, UNREADABLE)
  const forget = () => {
    uploads.value = uploads.value.filter((each) => each.stop !== stop)
  }
  const stop = () => {
    forget()
    // Where the node does not answer it removes the upload by itself, later.
    upload.abort(true).catch(() => {})
  }
  let key = requestKey()
  const upload = new Upload(file, {
    endpoint: `${location.origin}/v1/uploads`,
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_MS,
    metadata: { filename: file.name },
    headers: token.value === null ? {} : { Authorization: `Bearer ${token.value}` },
    // A POST whose answer is lost is sent again with its key, and makes one upload.
    onBeforeRequest: (request) => {
      if (request.getMethod() === 'POST') request.setHeader('Idempotency-Key', key)
    },
    onAfterResponse: (request) => {
      if (request.getMethod() === 'POST') key = requestKey()
    },
    onProgress: (sent) => {
      uploads.value = uploads.value.map((each) => (each.stop === stop ? { ...each, sent } : each))
    },
    onError: (error) => {
      forget()
      void whyFailed(file, error).then((why) => sayFailed(file, why))
    },
    onSuccess: () => {
      forget()
      void submitUpload(upload, recipe)
    },
  })
  uploads.value = [...uploads.value, { number: ++begun, name: file.name, bytes: file.size, sent: 0, stop }]
  const [before] = await upload.findPreviousUploads()
  if (before) upload.resumeFromPreviousUpload(before)
  upload.start()
}

/** Until its video is submitted an upload is found again by its file, also a whole one. */
async function submitUpload(upload: Upload, recipe: Recipe): Promise<void> {
  if (!(await submitTo(`${new URL(upload.url!).pathname}/submit`, recipe))) return
  for (const { urlStorageKey } of await upload.findPreviousUploads())
    await defaultOptions.urlStorage.removeUpload(urlStorageKey)
}

const AWAY = 'the node does not answer; choose the file again, and it goes on where it broke off'
const UNREADABLE = 'it is a folder, or was moved or changed since it was chosen'

function sayFailed({ name }: File, why: string): void {
  outcome.value = { text: `${name} could not be uploaded: ${why}`, isBad: true }
}

/** What the node says, where it answers; else whether it is the node or the file that cannot be reached. */
async function whyFailed(file: File, error: Error): Promise<string> {
  const { originalResponse } = error as { originalResponse?: { getBody(): string } | null }
  try {
    const { code, detail } = JSON.parse(originalResponse?.getBody() ?? '') as { code?: string; detail: string }
    if (code === 'may_only_view') isOtherTokenWanted.value = true
    return detail
  } catch {
    return (await isReadable(file)) ? AWAY : UNREADABLE
  }
}

/** A browser lists folders as files too, and gives no byte of a file that has changed. */
const isReadable = (file: File): Promise<boolean> =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )
