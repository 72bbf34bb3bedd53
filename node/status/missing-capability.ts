/** What of a class the present workers lack, in words. Pure. */
import { allowsRendition, type Capability, parseClass } from '../../protocol/capability.ts'

/** Which part of the class no worker can do; where each part is done by some, that none does all. */
export function missingText(workers: readonly Capability[], taskClass: string): string {
  if (workers.length === 0) return 'no present peer encodes: start a worker'
  const needs = parseClass(taskClass)
  if (needs === null) {
    const [kind, ...encoders] = taskClass.split('+')
    return `no present worker runs ${kind} tasks${encoders.length > 0 ? ` and has the encoder ${encoders.join(', ')}` : ''}`
  }
  const { decoder, encoder, filters, rendition } = needs
  const lacks = (has: (worker: Capability) => boolean) => !workers.some(has)
  const parts = [
    lacks(({ decoders }) => decoders.includes(decoder)) && `can decode ${decoder}`,
    lacks(({ encoders }) => encoders.includes(encoder)) && `has the encoder ${encoder}`,
    ...filters.map((filter) => lacks((worker) => worker.filters.includes(filter)) && `has the filter ${filter}`),
    lacks((worker) => allowsRendition(worker, rendition)) && `may encode ${rendition} (its \`renditions\`)`,
  ].filter((part) => part !== false)
  if (parts.length > 0) return `no present worker ${parts.join(', or ')}`
  return `no present worker has all that it needs: decoder ${decoder}, encoder ${encoder}, rendition ${rendition}`
}
