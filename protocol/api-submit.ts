/** Submits in the HTTP API: what is given of a source, by its path on the node or as an upload, and the answer. */
import { z } from 'zod'
import { json, problem, refused } from './api-answers.ts'
import type { VideoId } from './ids.ts'
import { SUBTITLE_FILES_MAX } from './limits.ts'
import { KEY_METHODS, keyUrlSchema } from './package.ts'
import { recipeSchema } from './recipe.ts'
import { videoDetailSchema } from './status.ts'
import { WEBHOOK_URLS_MAX, webhookUrlSchema } from './webhook-url.ts'

const absolutePath = z
  .string()
  .max(4096)
  .startsWith('/', 'must be an absolute path')
  .refine((path) => !path.includes('\0'), 'must have no NUL')
/** The priority of a video in a body. */
export const priority = z.number().int().min(-1000).max(1000).describe('higher goes first; 0 is ordinary')

/** The deadline of a video in a body, ms since 1970. */
export const deadline = z
  .number()
  .int()
  .min(0)
  .max(8.64e15)
  .nullable()
  .describe('when it is wanted, ms since 1970; null: at no time. One that cannot be held is taken all the same')

const subtitleSchema = z.strictObject({
  path: absolutePath.describe('the file, on the machine that answers'),
  language: z
    .string()
    .max(35)
    .default('')
    .describe('tag of its language, such as `en` or `pt-BR`; `` where it is unknown'),
  forced: z.boolean().default(false).describe('whether players show it without being asked'),
  hearing_impaired: z.boolean().default(false).describe('whether it is for people who cannot hear'),
})

/** A file of subtitles to submit with a source. */
export type SubmitSubtitle = z.infer<typeof subtitleSchema>

const hlsKeySchema = z.strictObject({
  path: absolutePath.describe('file with 16 bytes, or 32 hex digits, on the machine that answers'),
  url: keyUrlSchema,
  method: z
    .enum(KEY_METHODS)
    .optional()
    .describe(
      '`aes-128` (the default) encrypts whole segments, for HLS only; `cbcs` samples of H.264 and sound, for HLS and DASH',
    ),
})

/** A key to submit with a source, for its package. */
export type SubmitKey = z.infer<typeof hlsKeySchema>

const submitSchema = z
  .strictObject({
    path: absolutePath.describe(
      'the source, on the machine that answers; it stays there, and must stay until the video is done. A byte that is not UTF-8 is the character U+EF00 + the byte',
    ),
    recipe: recipeSchema,
    ladder: z
      .string()
      .max(32)
      .optional()
      .describe(
        'name of a ladder of this node: its renditions, keyframes and sound are made instead of those of `recipe`',
      ),
    out: absolutePath
      .nullable()
      .default(null)
      .describe('folder on the machine that answers, where the results go; null when nothing is to be delivered here'),
    subtitles: z
      .array(subtitleSchema)
      .max(SUBTITLE_FILES_MAX)
      .default([])
      .describe('files of text subtitles (SRT, WebVTT) that come along with the source'),
    hls_key: hlsKeySchema.optional().describe('key that encrypts pictures and sound of a package'),
    webhooks: z
      .array(webhookUrlSchema)
      .max(WEBHOOK_URLS_MAX)
      .default([])
      .describe('endpoints that get the webhooks of this video, beside those of the configuration'),
    priority: priority.default(0),
    deadline: deadline.default(null),
  })
  .meta({ id: 'Submit', description: 'One file to encode.' })

const uploadedSchema = submitSchema
  .omit({ path: true })
  .meta({ id: 'SubmitUpload', description: 'What to make of an uploaded file: as `Submit`, without a path.' })

const submittedSchema = z
  .object({
    id: z.string().describe('id of the video') as unknown as z.ZodType<VideoId, VideoId>,
    name: z.string().describe("the source's file name without its ending"),
    outcome: z
      .enum(['created', 'joined', 'retried'])
      .describe(
        'whether it was new, known (the same bytes and recipe: it continues, or is only delivered), or had failed or been cancelled before',
      ),
    status: videoDetailSchema.shape.status,
  })
  .meta({ id: 'Submitted', description: 'What a submit did.' })

/** A body of JSON, for the routes. */
export const body = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
})

/** The routes of submits, in the form of OpenAPI. */
export const SUBMIT_ROUTES = {
  submit: {
    operationId: 'submit',
    method: 'post',
    path: '/v1/videos',
    summary: 'Submits a file: answers when it is hashed and in the ledger',
    request: { body: body(submitSchema) },
    responses: { 201: json(submittedSchema, 'the video'), ...refused },
  },
  submitUpload: {
    operationId: 'submitUpload',
    method: 'post',
    path: '/v1/uploads/{id}/submit',
    summary: 'Submits an uploaded file, as a file of the node is: its upload must be whole',
    request: {
      params: z.object({ id: z.string().describe('id of the upload: 32 hex digits') }),
      body: body(uploadedSchema),
    },
    responses: {
      201: json(submittedSchema, 'the video'),
      404: problem('there is no such upload on this node'),
      409: problem('bytes of the upload are missing'),
      ...refused,
    },
  },
} as const

/** The body of a submit, before defaults. */
export type SubmitBody = z.input<typeof submitSchema>
/** The body of a submit, with defaults. */
export type SubmitRead = z.output<typeof submitSchema>
/** The body of a submit of an upload, with defaults. */
export type UploadedRead = z.output<typeof uploadedSchema>
/** The answer to a submit. */
export type SubmitAnswer = z.infer<typeof submittedSchema>
