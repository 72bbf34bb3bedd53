/** The errors of the client. */
import type { Problem } from '../protocol/api-answers.ts'
import type { EventGap } from '../protocol/api-events.ts'

/** A request that a node refused, or that failed there. Its message is the sentence for people. */
export class ReelmeshRequestError extends Error {
  /** The status of the answer: HTTP's. */
  readonly status: number
  /** Stable, for programs, such as `unknown_video`. */
  readonly code: string
  /** The field of the request that is wrong, where one is. */
  readonly field: string | undefined

  constructor(status: number, { code, detail, field }: Pick<Problem, 'code' | 'detail' | 'field'>) {
    super(detail)
    this.name = 'ReelmeshRequestError'
    this.status = status
    this.code = code
    this.field = field
  }

  /** The error of an answer. Never rejects. */
  static async of(response: Response): Promise<ReelmeshRequestError> {
    const { status } = response
    const problem = (await response.json().catch(() => null)) as Partial<Problem> | null
    const { code = 'unexpected', detail = `the node answered ${status}`, field } = problem ?? {}
    return new ReelmeshRequestError(status, { code, detail, ...(field !== undefined && { field }) })
  }
}

/** Events that are no longer kept: those after the first number and before the second were missed. */
export class EventsLost extends Error {
  /** Which they are. */
  readonly gap: EventGap

  constructor(gap: EventGap) {
    super(`the events after ${gap.after} and before ${gap.next} are no longer kept`)
    this.name = 'EventsLost'
    this.gap = gap
  }
}
