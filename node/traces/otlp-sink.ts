/**
 * Sends spans to a collector by OTLP over HTTP. Loaded only where an endpoint is configured. A collector that does not answer costs spans, and
 * a line in the log, never work.
 */
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace'
import type { PeerId } from '../../protocol/ids.ts'
import type { Log } from '../../protocol/log.ts'
import { spanIdOf, traceIdOf, type VideoSpan } from './spans.ts'
import type { SpanSink } from './traces.ts'

/** Where spans go, and who sends them. */
export interface OtlpSinkOptions {
  /** The collector's address, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it: `/v1/traces` is added. */
  readonly endpoint: string
  readonly self: PeerId
  readonly name: string
  readonly version: string
  readonly log: Log
}

/** A sink that sends every few seconds; `stop` sends what is left, for at most 5 s. */
export function createOtlpSink(options: OtlpSinkOptions): SpanSink & { stop(): Promise<void> } {
  const { endpoint, self, name, version, log } = options
  const resource = resourceFromAttributes({
    'service.name': 'reelmesh',
    'service.version': version,
    'service.instance.id': self,
    'host.name': name,
  })
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const exporter = reporting(new OTLPTraceExporter({ url, timeoutMillis: SEND_MS }), endpoint, log)
  const processor = new BatchSpanProcessor({ exporter, exportTimeoutMillis: SEND_MS, scheduledDelayMillis: EVERY_MS })
  return {
    add: (span) => processor.onEnd(readable(span, resource)),
    stop: () => processor.shutdown().catch(() => {}),
  }
}

const [SEND_MS, EVERY_MS] = [5_000, 2_000]

/** Logs once that a collector does not take spans, and once that it does again. */
function reporting(exporter: SpanExporter, endpoint: string, log: Log): SpanExporter {
  let fails = false
  return Object.assign(Object.create(exporter) as SpanExporter, {
    export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]) {
      exporter.export(spans, (result) => {
        if (result.code !== 0 && !fails)
          log.warn('a collector takes no traces', { endpoint, error: String(result.error) })
        if (result.code === 0 && fails) log.info('a collector takes traces again', { endpoint })
        fails = result.code !== 0
        done(result)
      })
    },
  })
}

function readable(span: VideoSpan, resource: ReadableSpan['resource']): ReadableSpan {
  const [traceId, traceFlags] = [traceIdOf(span.video), TraceFlags.SAMPLED]
  const context = { traceId, spanId: spanIdOf(span), traceFlags }
  const isWhole = span.of === ''
  const parent = { traceId, spanId: spanIdOf({ ...span, of: '' }), traceFlags }
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    ...(!isWhole && { parentSpanContext: parent }),
    startTime: timeOf(span.start),
    endTime: timeOf(span.end),
    duration: timeOf(Math.max(0, span.end - span.start)),
    status: span.error === null ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: span.error },
    attributes: span.attributes,
    resource,
    ...{ links: [], events: [], ended: true, instrumentationScope: { name: 'reelmesh' } },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  }
}

/** Milliseconds as seconds and nanoseconds. */
const timeOf = (ms: number): [number, number] => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)]
