/** What `status` says of a deadline, as a schema. */
import { z } from 'zod'
import { milliseconds } from './status-waiting.ts'

const forecastSchema = z
  .object({
    done_at: milliseconds(
      'when it will be done at the speeds that are measured now; null where no peer can encode it, and until it is planned',
    ).nullable(),
    spare_s: z
      .number()
      .nullable()
      .describe('seconds between that and the deadline, negative where it will be missed; null likewise'),
    more: z
      .number()
      .nullable()
      .describe(
        'how many more workers like `like` would hold the deadline: 0 where it is held; null where no number would, or nothing is known yet',
      ),
    like: z.string().nullable().describe('name of the fastest peer, by which `more` counts'),
    text: z.string().describe('the same for people, by the clock of the answering peer'),
  })
  .meta({
    id: 'Forecast',
    description: 'What the leader says about a deadline. It is kept up to date while the video is open.',
  })

/** The fields of a video about its deadline. */
export const deadlineFields = {
  deadline: milliseconds('when it is wanted').nullable(),
  forecast: forecastSchema
    .nullable()
    .describe('whether its deadline holds; null without a deadline, and when it is not open'),
}
