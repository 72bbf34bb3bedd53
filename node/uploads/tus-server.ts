/** Uploads by the tus protocol (tus.io, 1.0.0): the library speaks it, and the rules of the node decide. Loaded with the first request. */
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'
import { ReelmeshError } from '../../protocol/errors.ts'
import { type RefusalStatus, RequestRefused } from '../http/refusals.ts'
import type { UploadFiles } from './upload-files.ts'

/** Answers requests of tus below `path`. Rejects with what is refused. */
export type TusServer = (request: Request) => Promise<Response>

/** The server of these uploads. */
export function createTusServer(path: string, uploads: UploadFiles): TusServer {
  const refused = new WeakMap<object, unknown>()
  const server = new Server({
    path,
    relativeLocation: true,
    datastore: new FileStore({ directory: uploads.dir, configstore: recordsOf(uploads) }),
    namingFunction: () => uploads.newId(),
    // Its video may read it.
    disableTerminationForFinishedUploads: true,
    onUploadCreate: async (_, { id, size }) => {
      if (size === undefined)
        throw new ReelmeshError('usage', 'give the header Upload-Length: the size is needed first')
      await uploads.admit(id, size)
      return {}
    },
    onIncomingRequest: async ({ method, headers }) => {
      if (method === 'PATCH') await uploads.checkRoom(Number(headers.get('content-length') ?? 0))
    },
    onUploadFinish: async ({ signal }, { id }) => {
      await uploads.finish(id, signal)
      return {}
    },
    onResponseError: (request, error) => {
      refused.set(request, error)
      return undefined
    },
  })
  return async (request) => {
    const answer = await server.handleWeb(request as Parameters<Server['handleWeb']>[0])
    if (answer.status < 400) return asWeAre(answer)
    const error = refused.get(request)
    if (error instanceof ReelmeshError) throw error
    // The library hides what a write failed with: mostly the room.
    if (answer.status === 500 && request.method === 'PATCH') await uploads.checkRoom(1)
    const stands = answer.status === 409 ? await offsetText(request, uploads) : null
    const sentence = stands ?? ((await answer.text()).trim() || 'a header of the tus protocol is missing or wrong')
    // The library says 403 of headers that are missing.
    throw new RequestRefused(answer.status === 403 ? 400 : (answer.status as RefusalStatus), 'bad_upload', sentence)
  }
}

/** How far an upload has come, for who sends bytes to another place of it; null where it is gone. */
async function offsetText({ url }: Request, uploads: UploadFiles): Promise<string | null> {
  const facts = await uploads.facts(new URL(url).pathname.split('/').at(-1) ?? '').catch(() => null)
  return (
    facts &&
    `${facts.offset} bytes of ${facts.name} are here: send those behind them, with Upload-Offset: ${facts.offset}`
  )
}

/** The answer without what the library says of other origins, of which the guard decides, and of sizes that come later, which are refused. */
function asWeAre(answer: Response): Response {
  const { headers } = answer
  for (const name of [...headers.keys()]) if (name.startsWith('access-control-')) headers.delete(name)
  const extensions = headers
    .get('tus-extension')
    ?.split(',')
    .filter((each) => each !== 'creation-defer-length')
  if (extensions) headers.set('tus-extension', extensions.join())
  return answer
}

/** What the library keeps of an upload, as the node stores it. */
function recordsOf(uploads: UploadFiles): NonNullable<ConstructorParameters<typeof FileStore>[0]['configstore']> {
  return {
    async get(id) {
      const words = await uploads.read(id)
      return words === null ? undefined : ({ id, size: words.bytes, offset: 0, metadata: words.metadata } as never)
    },
    set: (id, { size = 0, metadata = {} }) => uploads.write(id, { bytes: size, metadata }),
    delete: (id) => uploads.remove(id),
  }
}
