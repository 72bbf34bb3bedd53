/** The settings of the media routes: their schemas. */
import { z } from 'zod'
import { httpAddress } from './http-address.ts'

const ORIGIN = /^(?:\*|https?:\/\/[^/\s]+)$/

/** Where packages are served and to whose pages, for the configuration. */
export const httpSettings = {
  http: z
    .string()
    .trim()
    .refine((text) => httpAddress(text) !== 'invalid', 'give an address and a port, such as 127.0.0.1:8080')
    .refine(
      (text) => httpAddress(text) !== 'foreign',
      'packages are served on loopback only, such as 127.0.0.1:8080: nobody who asks from elsewhere is checked yet',
    )
    .optional()
    .describe('serve streaming packages to players at this address of loopback, such as 127.0.0.1:8080'),
  http_cors: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map((each) => each.trim()) : value),
      z.array(z.string().regex(ORIGIN, 'give origins such as https://www.example.org, or *')),
    )
    .default([])
    .describe('origins whose pages may read what is served at that address, separated by commas, or *'),
}
