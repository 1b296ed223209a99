import { InMemorySpanExporter } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { isSampled, startTracing } from '../../../runtime/platform/service/trace.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const settings = { IOT_INSTANCE: 'gateway-1', IOT_TRACE_RATIO: 1 };

test('a message keeps its own id as trace id, and the next service continues it', async () => {
  const exporter = new InMemorySpanExporter();
  const tracing = startTracing(settings, 'gateway', exporter);
  const first = tracing.spanFor('gateway.receive', { trace });
  expect(first?.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  const second = tracing.spanFor('processor.store', { traceparent: first?.traceparent });
  second?.end(new Error('store away'));
  first?.end();
  const spans: { traceId: string; parent: string | undefined; status: number }[] = [];
  const seen = exporter.export.bind(exporter);
  exporter.export = (batch, done) => {
    for (const span of batch)
      spans.push({
        traceId: span.spanContext().traceId,
        parent: span.parentSpanContext?.spanId,
        status: span.status.code,
      });
    seen(batch, done);
  };
  await tracing.stop();
  expect(spans.map((s) => s.traceId)).toEqual([trace, trace]);
  expect(spans.find((s) => s.parent === undefined)?.status).toBe(0);
  expect(spans.find((s) => s.parent !== undefined)).toMatchObject({
    parent: first?.traceparent.slice(36, 52),
    status: 2,
  });
});

test('off without an endpoint, without a ratio, and for what is not sampled', () => {
  expect(startTracing(settings, 'gateway').spanFor('x', { trace })).toBeUndefined();
  const exporter = new InMemorySpanExporter();
  expect(
    startTracing({ ...settings, IOT_TRACE_RATIO: 0 }, 'gateway', exporter).spanFor('x', { trace }),
  ).toBeUndefined();
  const tracing = startTracing(settings, 'gateway', exporter);
  expect(tracing.spanFor('x', { traceparent: undefined })).toBeUndefined();
  expect(tracing.spanFor('x', { traceparent: `00-${trace}-b7ad6b7169203331-00` })).toBeUndefined();
  expect(tracing.spanFor('x', { traceparent: 'nonsense' })).toBeUndefined();
});

test.each([
  ['00000000aaaaaaaaaaaaaaaaaaaaaaaa', 0.001, true],
  ['7fffffffaaaaaaaaaaaaaaaaaaaaaaaa', 0.5, true],
  ['80000000aaaaaaaaaaaaaaaaaaaaaaaa', 0.5, false],
  ['ffffffffaaaaaaaaaaaaaaaaaaaaaaaa', 1, true],
])('%s at ratio %d: sampled %s', (id, ratio, expected) => {
  expect(isSampled(id, ratio)).toBe(expected);
});
