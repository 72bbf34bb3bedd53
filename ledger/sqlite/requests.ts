/** Kept requests: one row each. */
import { type KeptRequest, type KeptRequests, REQUESTS_KEPT_MAX } from '../../protocol/kept-request.ts'
import type { Store } from './store.ts'

type Begin = Parameters<KeptRequests['beginRequest']>[0]
type End = Parameters<KeptRequests['endRequest']>[0]

const TAKES = '(expires_at <= :now OR (token = :token AND answer IS NULL))'
const BEGIN = `INSERT INTO requests (_id, request, token, answer, expires_at) VALUES (:key, :request, :token, NULL, :now + :ms)
  ON CONFLICT(_id) DO UPDATE SET
    request=iif(${TAKES}, :request, request), token=iif(${TAKES}, :token, token),
    answer=iif(${TAKES}, NULL, answer), expires_at=iif(${TAKES}, :now + :ms, expires_at)
  RETURNING request, token, answer`

export async function beginRequest(store: Store, { key, request, token, ms }: Begin): Promise<KeptRequest> {
  const [row] = await store.write('sure', BEGIN, { key, request, token, ms })
  return store.documents.request({ ...row }) ?? { request, token: '' as never, answer: null }
}

const MINE = '_id=:key AND token=:token AND answer IS NULL RETURNING _id'
const FORGET = `DELETE FROM requests WHERE ${MINE}`
const KEEP = `UPDATE requests SET answer=:answer, expires_at=:now + :ms WHERE ${MINE}`
const REMOVE_OLDEST = `DELETE FROM requests WHERE expires_at <= :now OR _id IN
  (SELECT _id FROM requests WHERE answer IS NOT NULL ORDER BY expires_at DESC LIMIT -1 OFFSET ${REQUESTS_KEPT_MAX})`

export async function endRequest(store: Store, { key, token, answer, ms }: End): Promise<boolean> {
  if (answer === null) return (await store.write('sure', FORGET, { key, token })).length > 0
  const kept = await store.write('sure', KEEP, { key, token, answer, ms })
  await store.write('light', REMOVE_OLDEST)
  return kept.length > 0
}
