/** Kept requests: one document each, which MongoDB removes some time after it has expired. */
import type { KeptRequest, KeptRequests } from '../../protocol/kept-request.ts'
import { REQUESTS_KEPT_MAX } from '../../protocol/kept-request.ts'
import { lit } from './bson.ts'
import { after } from './pipeline.ts'
import type { Store } from './store.ts'

type Begin = Parameters<KeptRequests['beginRequest']>[0]
type End = Parameters<KeptRequests['endRequest']>[0]

/** Where another request has the key, the pipeline leaves the document as it is. */
export async function beginRequest(store: Store, { key, request, token, ms }: Begin): Promise<KeptRequest> {
  const isFree = { $lte: [{ $ifNull: ['$expires_at', new Date(0)] }, '$$NOW'] }
  const isMine = { $and: [{ $eq: ['$token', lit(token)] }, { $eq: ['$answer', null] }] }
  const mine = { _id: lit(key), request: lit(request), token: lit(token), answer: null, expires_at: after(ms) }
  const begin = [{ $replaceWith: { $cond: [{ $or: [isFree, isMine] }, mine, '$$ROOT'] } }]
  const options = { upsert: true, returnDocument: 'after', projection: { _id: 0, expires_at: 0 } } as const
  const found = await store.run(() => store.requests.findOneAndUpdate({ _id: key }, begin, options))
  return store.documents.request(found) ?? { request, token: '' as never, answer: null }
}

export async function endRequest(store: Store, { key, token, answer, ms }: End): Promise<boolean> {
  const mine = { _id: key, token, answer: null }
  if (answer === null) return (await store.run(() => store.requests.deleteOne(mine))).deletedCount === 1
  const set = [{ $set: { answer: lit(answer), expires_at: after(ms) } }]
  const readBack = async () => ((await store.requests.findOne({ _id: key, token, answer })) ? true : undefined)
  const isKept = await store.run(async () => (await store.requests.updateOne(mine, set)).matchedCount === 1, readBack)
  await removeOldest(store)
  return isKept
}

async function removeOldest(store: Store): Promise<void> {
  const count = await store.run(() => store.requests.estimatedDocumentCount())
  if (count <= REQUESTS_KEPT_MAX) return
  const limit = count - REQUESTS_KEPT_MAX
  const oldest = () =>
    store.requests.find({ answer: { $ne: null } }, { sort: { expires_at: 1 }, limit, projection: { _id: 1 } }).toArray()
  const ids = (await store.run(oldest)).map(({ _id }) => _id)
  await store.run(() => store.requests.deleteMany({ _id: { $in: ids } }))
}
