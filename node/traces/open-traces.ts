/** The traces of a node by its configuration: nothing of them is loaded where no collector is named. */
import type { Adapters } from '../adapters.ts'
import type { Config } from '../config.ts'
import type { PartList } from '../parts.ts'
import { VERSION } from '../version.ts'

/** Starts what sends them, as one of `parts`; an empty object without a collector. */
export async function openTraces(
  { otlp_endpoint: endpoint, name }: Pick<Config, 'otlp_endpoint' | 'name'>,
  {
    mesh,
    ledger,
    clock,
    log,
    parts,
  }: Pick<Adapters, 'mesh' | 'ledger' | 'clock' | 'log'> & { readonly parts: PartList },
): Promise<Pick<Adapters, 'traces'>> {
  if (endpoint === undefined) return {}
  const [{ createOtlpSink }, { createTraces }] = await Promise.all([import('./otlp-sink.ts'), import('./traces.ts')])
  const { self } = mesh
  const sink = createOtlpSink({ endpoint, self, name, version: VERSION, log })
  await parts.start({ name: 'traces', stop: sink.stop })
  return { traces: createTraces({ self, clock, ledger, sink }) }
}
