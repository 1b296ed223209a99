import { expect, test } from 'vitest';
import { spanRecorder } from '../support/spans.ts';
import { startTestApi } from './harness.ts';

test('one request is one trace: api, telemetry and devices, each the child of who called it', async () => {
  const recorder = spanRecorder();
  const t = await startTestApi({}, {}, 'real', recorder.tracing);
  try {
    const authorization = `Bearer ${await t.token()}`;
    const ask = (path: string) => fetch(`${t.url}${path}`, { headers: { authorization } });
    expect((await ask('/v1/fleet/summary')).status).toBe(200);
    expect((await ask('/v1/nothing')).status).toBe(404);
  } finally {
    await t.stop();
  }
  const spans = await recorder.flushed();
  const root = spans.find((span) => span.name === 'GET /v1/fleet/summary');
  expect(root).toMatchObject({ service: 'api', kind: 'SERVER', parent: undefined });
  const way = [];
  for (let span = root; span !== undefined; span = spans.find((child) => child.parent === span?.id)) way.push(span);
  expect(way.map(({ service, kind, name }) => `${service} ${kind} ${name}`)).toEqual([
    'api SERVER GET /v1/fleet/summary',
    'api CLIENT GET telemetry',
    'telemetry SERVER GET /internal/v1/fleet/summary',
    'telemetry CLIENT GET devices',
    'devices SERVER GET /internal/counts',
  ]);
  expect(new Set(way.map((span) => span.trace)).size).toBe(1);
  expect(spans.find((span) => span.name === 'GET unmatched')).toMatchObject({
    attributes: { 'http.response.status_code': 404 },
  });
}, 60_000);

test('the caller of the api decides: its sampled trace goes on, one it does not sample starts nothing at ratio 0', async () => {
  const recorder = spanRecorder();
  const t = await startTestApi({}, {}, 'stubs', (service) => recorder.tracing(service, 0.000_001));
  const trace = `ffffffff${'a'.repeat(24)}`;
  try {
    const authorization = `Bearer ${await t.token()}`;
    for (const flag of ['01', '00'])
      await fetch(`${t.url}/v1/fleet/summary`, {
        headers: { authorization, traceparent: `00-${trace}-b7ad6b7169203331-${flag}` },
      });
    expect(t.telemetry.asked.map((asked) => String(asked.headers['traceparent']).slice(-2))).toEqual(['01', '00']);
  } finally {
    await t.stop();
  }
  const spans = (await recorder.flushed()).filter((span) => span.trace === trace);
  expect(spans.map(({ kind }) => kind).sort()).toEqual(['CLIENT', 'SERVER']);
  expect(spans.find((span) => span.kind === 'SERVER')?.parent).toBe('b7ad6b7169203331');
}, 60_000);
