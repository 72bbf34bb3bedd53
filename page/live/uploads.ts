/** Uploads of files to the node, by tus-js-client: they go on where they broke off, also after the page was closed and the file chosen again. */
import { signal } from '@preact/signals'
import { Upload } from 'tus-js-client'
import { outcome, type Recipe, requestKey, submitTo } from './api.ts'
import { token } from './state.ts'

const CHUNK_BYTES = 8 * 1024 * 1024
/** Pauses before it is tried again, ms: a node that is started again is back within them. */
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000]

/** One that runs. */
export interface RunningUpload {
  readonly name: string
  readonly bytes: number
  readonly sent: number
  /** Gives it up. */
  stop(): void
}

export const uploads = signal<readonly RunningUpload[]>([])

/** Uploads a file, then submits it. */
export async function uploadFile(file: File, recipe: Recipe): Promise<void> {
  const forget = () => {
    uploads.value = uploads.value.filter((each) => each.stop !== stop)
  }
  const stop = () => {
    forget()
    void upload.abort(true)
  }
  let key = requestKey()
  const upload = new Upload(file, {
    endpoint: `${location.origin}/v1/uploads`,
    chunkSize: CHUNK_BYTES,
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
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
      outcome.value = { text: `${file.name} could not be uploaded: ${sentenceOf(error)}`, isBad: true }
    },
    onSuccess: () => {
      forget()
      void submitTo(`${new URL(upload.url!).pathname}/submit`, recipe)
    },
  })
  uploads.value = [...uploads.value, { name: file.name, bytes: file.size, sent: 0, stop }]
  const [before] = await upload.findPreviousUploads()
  if (before) upload.resumeFromPreviousUpload(before)
  upload.start()
}

/** What the node says, where it answers. */
function sentenceOf(error: Error): string {
  const { originalResponse } = error as { originalResponse?: { getBody(): string } | null }
  try {
    return (JSON.parse(originalResponse?.getBody() ?? '') as { detail: string }).detail
  } catch {
    return 'the node does not answer'
  }
}
