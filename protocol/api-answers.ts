/** The forms in which the HTTP API answers: JSON, and problem documents (RFC 9457) where a request is refused or fails. */
import { z } from 'zod'
import { notVideoId } from './errors.ts'
import { isVideoId, type VideoId } from './ids.ts'

const problemSchema = z
  .object({
    type: z.literal('about:blank').describe('the status says what kind of problem it is'),
    title: z.string().describe('the name of the status'),
    status: z.number().describe('the HTTP status'),
    code: z
      .string()
      .describe('stable, for programs: `bad_request`, `usage`, `source_refused`, `unknown_video`, `ledger_away` …'),
    detail: z
      .string()
      .describe('one sentence for people, as the command line prints it: what failed, why, and what to do'),
    field: z
      .string()
      .optional()
      .describe('the field of the body or query that is wrong, such as `recipe.renditions.0`'),
  })
  .meta({ id: 'ProblemDetails', description: 'Why a request was refused, or failed (RFC 9457).' })

/** Why a request was refused, or failed. */
export type Problem = z.infer<typeof problemSchema>

/** An answer that is a problem, for the routes. */
export const problem = (description: string) => ({
  content: { 'application/problem+json': { schema: problemSchema } },
  description,
})

/** An answer that is JSON, for the routes. */
export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  content: { 'application/json': { schema } },
  description,
})

/** Answers that every route may give. */
export const refused = { 500: problem('the node failed'), 503: problem('the ledger does not answer') }

/** The id of a video. */
export const videoId = z.string().refine(isVideoId, { error: ({ input }) => notVideoId(input).message })

/** The parameters of a path with the id of a video. */
export const video = z.object({
  id: videoId.describe('id of the video: 16 hex digits') as unknown as z.ZodType<VideoId, string>,
})
