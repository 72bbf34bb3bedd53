/** Kept requests in the reference model. */
import type { KeptRequest, KeptRequests } from '../../kept-request.ts'

export function modelRequests(now: () => number): KeptRequests {
  const kept = new Map<string, KeptRequest & { readonly until: number }>()
  const shown = ({ request, token, answer }: KeptRequest): KeptRequest => ({ request, token, answer })
  return {
    beginRequest: async ({ key, request, token, ms }) => {
      const known = kept.get(key)
      const isMine = known?.token === token && known.answer === null
      if (!known || known.until <= now() || isMine) kept.set(key, { request, token, answer: null, until: now() + ms })
      return shown(kept.get(key)!)
    },
    endRequest: async ({ key, token, answer, ms }) => {
      const known = kept.get(key)
      if (known?.token !== token || known.answer !== null) return 'unchanged'
      if (answer === null) kept.delete(key)
      else kept.set(key, { ...known, answer, until: now() + ms })
      return 'changed'
    },
  }
}
