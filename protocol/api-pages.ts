/** What the routes that answer page by page have in common. */
import { z } from 'zod'

/** A parameter that is a time, ms since 1970. */
export const time = (description: string) =>
  z.coerce.number().int().min(0).max(8.64e15).optional().describe(description)

/** The number of `what` on a page: where none is asked for, and at most. */
export const limit = ({ usual, most }: { readonly usual: number; readonly most: number }, what: string) =>
  z.coerce.number().int().min(1).max(most).default(usual).describe(`${what} of a page`)

/** The place behind which a page begins, in the form that its route gives it. */
export const cursor = (form: RegExp) =>
  z.string().regex(form, 'give the `next` of the page before').optional().describe('`next` of the page before')

/** The cursor of the page behind this one. */
export const next = z.string().nullable().describe('`cursor` of the next page; null where this is the last one')
