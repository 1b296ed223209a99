import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { startTracing, type Tracing } from '../../runtime/platform/service/trace.ts';

export type SeenSpan = {
  service: string;
  name: string;
  kind: string;
  trace: string;
  id: string;
  parent: string | undefined;
  failed: boolean;
  attributes: Record<string, unknown>;
};

/** What services of a test export, kept also after they have stopped; `tracing` samples every trace. */
export function spanRecorder() {
  const spans: SeenSpan[] = [];
  const running: Tracing[] = [];
  const exporterOf = (service: string): SpanExporter => ({
    export(batch, done) {
      spans.push(...batch.map((span) => seen(service, span)));
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  });
  return {
    spans,
    tracing(service: string, ratio = 1): Tracing {
      const tracing = startTracing({ IOT_INSTANCE: service, IOT_TRACE_RATIO: ratio }, service, exporterOf(service));
      running.push(tracing);
      return tracing;
    },
    /** Stops them all, which exports what is held. */
    async flushed(): Promise<SeenSpan[]> {
      await Promise.all(running.splice(0).map((tracing) => tracing.stop()));
      return spans;
    },
  };
}

function seen(service: string, span: ReadableSpan): SeenSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    service,
    name: span.name,
    kind: SpanKind[span.kind] ?? '',
    trace: traceId,
    id: spanId,
    parent: span.parentSpanContext?.spanId,
    failed: span.status.code === SpanStatusCode.ERROR,
    attributes: { ...span.attributes },
  };
}
