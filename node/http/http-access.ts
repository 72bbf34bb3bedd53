/**
 * Who may use the TCP listener: tokens with their roles, and what protects them on the way. Beyond loopback both are needed; a listener without
 * them is not started.
 */
import { createSecureContext } from 'node:tls'
import { sentence, UsageError } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import { readSecretFile, readText, stampOf } from '../host/secret-files.ts'
import { type HttpAddress, hostText, httpAddress } from './http-address.ts'
import { parseTokens, type Token } from './tokens.ts'

/** Settings: see `httpSettings`. */
export interface HttpSettings {
  readonly http?: string | undefined
  readonly http_token?: string | undefined
  readonly http_tls_cert?: string | undefined
  readonly http_tls_key?: string | undefined
  readonly http_behind_proxy: boolean
}

/** A certificate with those of its issuers, and its key, as PEM. */
export interface TlsIdentity {
  readonly cert: string
  readonly key: string
}

/** Where to listen, and for whom. */
export interface HttpAccess {
  readonly address: HttpAddress
  /** Empty on loopback without tokens: everybody may do everything there. */
  readonly tokens: readonly Token[]
  /** Null for plain HTTP. */
  readonly tls: TlsIdentity | null
  /** As `stampOf` says, before they were read. */
  readonly stamp: string
}

/** Whether every page on this machine may ask, without a token: where players may go on when another node has ended. */
export const isForAll = ({ address, tokens, tls }: HttpAccess): boolean =>
  address.isLoopback && tokens.length === 0 && tls === null

/**
 * The access of a configuration; null where nothing is served over TCP. Rejects with `UsageError` where a file cannot be used, and where an address
 * beyond loopback has no token or nothing that encrypts.
 */
export async function readHttpAccess(settings: HttpSettings, log: Log): Promise<HttpAccess | null> {
  const address = settings.http === undefined ? 'invalid' : httpAddress(settings.http)
  if (address === 'invalid') return null
  const at = `--http ${hostText(address.host)}:${address.port}`
  if (!address.isLoopback && settings.http_token === undefined)
    throw new UsageError(
      `${at}: callers from other machines need a token; write one into a file (openssl rand -hex 32 > http.token) and give --http-token http.token`,
    )
  const stamp = await stampOf(accessFiles(settings))
  const tls = await readTls(settings)
  if (!address.isLoopback && tls === null && !settings.http_behind_proxy)
    throw new UsageError(
      `${at}: tokens must not cross a network in clear; give --http-tls-cert and --http-tls-key, or --http-behind-proxy where a proxy in front of this node does TLS`,
    )
  return { address, tokens: await readTokens(settings.http_token, log), tls, stamp }
}

/** The files of tokens and certificates. */
export const accessFiles = ({ http_token, http_tls_cert, http_tls_key }: HttpSettings): string[] =>
  [http_token, http_tls_cert, http_tls_key].flatMap((path) => path ?? [])

const readTokens = async (path: string | undefined, log: Log): Promise<readonly Token[]> =>
  path === undefined
    ? []
    : readSecretFile({ path, flag: '--http-token', what: 'tokens of the HTTP API', parse: parseTokens }, log)

async function readTls({ http_tls_cert, http_tls_key }: HttpSettings): Promise<TlsIdentity | null> {
  if (http_tls_cert === undefined && http_tls_key === undefined) return null
  if (http_tls_cert === undefined || http_tls_key === undefined)
    throw new UsageError('TLS needs both --http-tls-cert and --http-tls-key')
  const identity = {
    cert: await readText(http_tls_cert, '--http-tls-cert'),
    key: await readText(http_tls_key, '--http-tls-key'),
  }
  try {
    createSecureContext(identity)
  } catch (cause) {
    throw new UsageError(
      `--http-tls-cert ${http_tls_cert} and --http-tls-key ${http_tls_key} are no certificate with its key, as PEM: ${sentence(cause)}`,
      { cause },
    )
  }
  return identity
}
