/** Uploads of sources over HTTP: the tus protocol (tus.io, 1.0.0), described for OpenAPI. An upload is one of the node that took it. */
import { z } from 'zod'
import { json, problem } from './api-answers.ts'

const id = z.string().describe('id of the upload: the end of its `Location`, 32 hex digits')
const resumable = z.literal('1.0.0').describe('the version of the protocol')
const written = z.number().describe('bytes that have come')

/** What is known of an upload. */
export const uploadSchema = z
  .object({
    id,
    name: z.string().describe('the name that its file has: `filename` of the metadata, where that may be one'),
    bytes: z.number().describe('bytes of the whole file'),
    offset: written,
    expires_at: z.number().describe('when it is removed where no byte comes and it is not submitted, ms since 1970'),
  })
  .meta({ id: 'Upload', description: 'A file that is uploaded to this node.' })

const bytes = { content: { 'application/offset+octet-stream': { schema: z.string().meta({ format: 'binary' }) } } }
const none = { 404: problem('there is no such upload on this node') }
const broken = { 500: problem('the node failed') }
const noRoom = { 507: problem('the disk, or the bound on uploads, has no room for it: `detail` says which') }

/** The routes of uploads, in the form of OpenAPI. */
export const UPLOAD_ROUTES = {
  createUpload: {
    operationId: 'createUpload',
    method: 'post',
    path: '/v1/uploads',
    summary: 'Begins an upload (tus): `Location` of the answer is where its bytes go',
    request: {
      headers: z.object({
        'tus-resumable': resumable,
        'upload-length': z.string().describe('bytes of the file'),
        'upload-metadata': z
          .string()
          .optional()
          .describe(
            '`filename` and `sha256` (hex, of the whole file: it is compared at the end), each with its value in base64',
          ),
      }),
    },
    responses: {
      201: { description: 'it has begun' },
      400: problem('a header of the protocol is wrong'),
      403: problem('this node takes no uploads, the token is one to view with, or a page of another origin asks'),
      412: problem('the header Tus-Resumable is missing'),
      413: problem('the file is larger than uploads may be here'),
      422: problem('the header Upload-Length is missing'),
      ...broken,
      ...noRoom,
    },
  },
  upload: {
    operationId: 'upload',
    method: 'get',
    path: '/v1/uploads/{id}',
    summary: 'How far an upload has come; HEAD (tus) answers `Upload-Offset`',
    request: { params: z.object({ id }) },
    responses: { 200: json(uploadSchema, 'the upload'), ...none, ...broken },
  },
  writeUpload: {
    operationId: 'writeUpload',
    method: 'patch',
    path: '/v1/uploads/{id}',
    summary: 'Sends bytes of an upload (tus), from its offset on; with the last one its sha256 is compared',
    request: {
      params: z.object({ id }),
      headers: z.object({ 'tus-resumable': resumable, 'upload-offset': z.string().describe('bytes that have come') }),
      body: bytes,
    },
    responses: {
      204: { description: 'they are here: `Upload-Offset` says how many in all' },
      400: problem('a header of the protocol is wrong, or the request broke off'),
      ...none,
      409: problem('the offset is another one: ask for it by HEAD'),
      412: problem('the header Tus-Resumable is missing'),
      413: problem('there are more bytes than the upload was to have'),
      422: problem('the file has another sha256 than it should: it is removed, upload it again'),
      ...broken,
      ...noRoom,
    },
  },
  removeUpload: {
    operationId: 'removeUpload',
    method: 'delete',
    path: '/v1/uploads/{id}',
    summary: 'Gives up an upload that is not whole yet (tus)',
    request: { params: z.object({ id }), headers: z.object({ 'tus-resumable': resumable }) },
    responses: {
      204: { description: 'it is removed' },
      400: problem('it is whole: it is removed once no video needs it'),
      ...none,
      412: problem('the header Tus-Resumable is missing'),
      ...broken,
    },
  },
} as const
