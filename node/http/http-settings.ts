/** The settings of the HTTP listener: their schemas. */
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { commaList } from '../comma-list.ts'
import { httpAddress } from './http-address.ts'

/** Two films of a disc, or an evening of a camera. */
const UPLOADS_GB = 100
const ORIGIN = /^(?:\*|https?:\/\/[^/\s]+)$/

const list = <T extends z.ZodType>(item: T) => z.preprocess(commaList, z.array(item)).default([])

/** Where the API and packages are served, to whose pages, and which files callers may name, for the configuration. */
export const httpSettings = {
  http: z
    .string()
    .trim()
    .refine((text) => httpAddress(text) !== 'invalid', 'give an address and a port, such as 127.0.0.1:8080')
    .optional()
    .describe('serve the HTTP API, and streaming packages, at this address, such as 127.0.0.1:8080'),
  http_token: z
    .string()
    .min(1)
    .optional()
    .describe('file with the tokens of callers, a line each: view TOKEN or operate TOKEN; needed beyond loopback'),
  http_tls_cert: z
    .string()
    .min(1)
    .optional()
    .describe(
      'file with the certificate for HTTPS and those of its issuers, as PEM; this, or a proxy, is needed beyond loopback',
    ),
  http_tls_key: z.string().min(1).optional().describe('file with the key of that certificate, as PEM'),
  http_hosts: list(
    z
      .string()
      .toLowerCase()
      .regex(/^[^\s:/]+$/, 'give names such as media.example.org, without a port'),
  ).describe('names by which callers may address the node, separated by commas, beside those of loopback'),
  http_cors: list(
    z.string().toLowerCase().regex(ORIGIN, 'give origins such as https://www.example.org, or *'),
  ).describe(
    'origins whose pages may use what is served there, separated by commas; with * all pages may read packages',
  ),
  http_upload_gb: z
    .preprocess(
      (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
      z.number().min(0).max(1e6),
    )
    .default(UPLOADS_GB)
    .describe(
      'GB that files which are uploaded to this node may take together until they are encoded; 0: none is taken',
    ),
  http_folders: list(z.string().refine(isAbsolute, 'give absolute paths')).describe(
    'folders, separated by commas, whose files may be submitted there and where results may go; none: no file may be named',
  ),
}
