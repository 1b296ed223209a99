import { type Attributes, trace as api, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, RandomIdGenerator, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';

export type TraceSettings = {
  IOT_INSTANCE: string;
  IOT_OTLP_ENDPOINT?: string | undefined;
  IOT_TRACE_RATIO: number;
};

/** One step of a message's or request's way. */
export type Span = {
  /** W3C `traceparent` to hand on: https://www.w3.org/TR/trace-context/#traceparent-header */
  traceparent: string;
  end(error?: unknown, attributes?: Attributes): void;
};

export type SpanOptions = {
  /** `server` answers a request, `client` sends one; others are steps inside. */
  kind?: 'internal' | 'server' | 'client';
  /** Epoch milliseconds; now by default. */
  start?: number;
};

export type Tracing = {
  /**
   * A span that belongs to `trace` (32 hex digits, the message's or request's id) or continues a `traceparent`.
   * `undefined` when this trace is not sampled or tracing is off: nothing was allocated.
   */
  spanFor(
    name: string,
    of: { trace: string } | { traceparent: string | undefined },
    attributes?: Attributes,
    options?: SpanOptions,
  ): Span | undefined;
  /** Sends what is still held, within 5 s. */
  stop(): Promise<void>;
};

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT };
const off: Tracing = { spanFor: () => undefined, stop: () => Promise.resolve() };
const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Traces of `service`, exported over OTLP/HTTP when `IOT_OTLP_ENDPOINT` is set and the ratio is above 0. The decision
 * to sample is a function of the trace id, so every service that starts from the same id decides alike.
 * @param exporter replaces OTLP in tests.
 */
export function startTracing(settings: TraceSettings, service: string, exporter?: SpanExporter): Tracing {
  const endpoint = settings.IOT_OTLP_ENDPOINT;
  const ratio = settings.IOT_TRACE_RATIO;
  if (ratio <= 0 || (endpoint === undefined && exporter === undefined)) return off;
  const ids = new GivenTraceId();
  const provider = new TracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({ 'service.name': service, 'service.instance.id': settings.IOT_INSTANCE }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter:
          exporter ?? new OTLPTraceExporter({ url: new URL('/v1/traces', endpoint).href, timeoutMillis: 5_000 }),
        maxQueueSize: 4_096,
        exportTimeoutMillis: 5_000,
      }),
    ],
  });
  const tracer = provider.getTracer('iot-platform');
  return {
    spanFor(name, of, attributes = {}, { kind = 'internal', start } = {}) {
      const parent = 'traceparent' in of ? parse(of.traceparent) : undefined;
      const options = { attributes, kind: kinds[kind], ...(start === undefined ? {} : { startTime: start }) };
      if (parent !== undefined)
        return wrap(tracer.startSpan(name, options, api.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })));
      if (!('trace' in of) || !isSampled(of.trace, ratio)) return undefined;
      ids.next = of.trace;
      return wrap(tracer.startSpan(name, { ...options, root: true }, ROOT_CONTEXT));
    },
    stop: () => provider.shutdown(),
  };
}

/** Whether a trace id falls into the sampled share, by its first 32 bits. */
export function isSampled(trace: string, ratio: number): boolean {
  return Number.parseInt(trace.slice(0, 8), 16) < ratio * 4_294_967_296;
}

function parse(traceparent: string | undefined) {
  const found = traceparentPattern.exec(traceparent ?? '');
  const [, traceId = '', spanId = '', flags = '00'] = found ?? [];
  if (found === null || (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) === 0) return undefined;
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function wrap(span: import('@opentelemetry/api').Span): Span {
  const { traceId, spanId } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    end(error, attributes) {
      if (attributes !== undefined) span.setAttributes(attributes);
      if (error !== undefined)
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      span.end();
    },
  };
}

/** Random ids, except that a root span takes the trace id laid out for it just before. */
class GivenTraceId {
  next: string | undefined;
  private readonly random = new RandomIdGenerator();
  generateTraceId = () => {
    const id = this.next ?? this.random.generateTraceId();
    this.next = undefined;
    return id;
  };
  generateSpanId = () => this.random.generateSpanId();
}
