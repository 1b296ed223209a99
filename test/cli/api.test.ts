import { describe, expect, test } from 'vitest';
import { createApi } from '../../cli/api.ts';
import { bytes, table } from '../../cli/output.ts';
import { instant, setting, whole } from '../../cli/values.ts';

type Answer = { status: number; body: unknown; headers?: Record<string, string> };

function apiThatAnswers(...answers: Answer[]) {
  const asked: { url: string; method: string; body: unknown }[] = [];
  const slept: number[] = [];
  const api = createApi({
    url: 'http://api.test/',
    token: async () => 'tok',
    sleep: async (ms) => void slept.push(ms),
    fetch: (async (url: URL, init: RequestInit) => {
      asked.push({
        url: String(url),
        method: init.method ?? '',
        body: init.body === undefined ? undefined : JSON.parse(String(init.body)),
      });
      const { status, body, headers } = answers.shift() ?? { status: 500, body: {} };
      return new Response(status === 204 ? null : JSON.stringify(body), { status, headers: headers ?? {} });
    }) as typeof fetch,
  });
  return { api, asked, slept };
}

describe('the API client', () => {
  test('takes path and method from the contract, encodes ids, leaves unset queries out', async () => {
    const { api, asked } = apiThatAnswers({ status: 200, body: {} }, { status: 200, body: { items: [], next: null } });
    await api.call('blockDevice', { params: { deviceId: 'a%b~c' }, body: { reason: 'r' } });
    await api.call('listDevices', { query: { search: 'x&y', tag: undefined, limit: 5 } });
    expect(asked).toEqual([
      { url: 'http://api.test/v1/devices/a%25b~c/block', method: 'POST', body: { reason: 'r' } },
      { url: 'http://api.test/v1/devices?search=x%26y&limit=5', method: 'GET', body: undefined },
    ]);
  });

  test('a refusal is one sentence with each wrong field', async () => {
    const { api } = apiThatAnswers({
      status: 422,
      body: {
        title: 'Unprocessable',
        detail: 'the type does not exist',
        errors: [{ field: 'type', message: 'unknown' }],
        trace: 'ab',
      },
    });
    await expect(api.call('createDevice', { body: { id: 'pump-1', type: 'none' } })).rejects.toThrow(
      'POST /v1/devices answered 422: the type does not exist\n  type: unknown\n  trace ab',
    );
  });

  test('a page that is no problem document is shown by its beginning', async () => {
    const { api } = apiThatAnswers({ status: 502, body: 'bad gateway' });
    await expect(api.call('getFleetSummary')).rejects.toThrow('GET /v1/fleet/summary answered 502');
  });

  test('a full rate limit is waited out as told, not for ever', async () => {
    const limited = { status: 429, body: {}, headers: { 'retry-after': '2' } };
    const patient = apiThatAnswers(limited, { status: 200, body: { ok: true } });
    await patient.api.call('getFleetSummary');
    expect(patient.slept).toEqual([2_000]);
    const never = apiThatAnswers(...Array.from({ length: 9 }, () => limited));
    await expect(never.api.call('getFleetSummary')).rejects.toThrow('answered 429');
    expect(never.slept).toHaveLength(4);
  });
});

describe('values', () => {
  const now = Date.UTC(2026, 10, 22, 10);
  test.each([
    ['now', String(now)],
    ['15m', String(now - 900_000)],
    ['2h', String(now - 7_200_000)],
    ['7d', String(now - 604_800_000)],
    ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00Z'],
    ['1763805600000', '1763805600000'],
  ])('time %s', (text, expected) => {
    expect(instant(text, now)).toBe(expected);
  });
  test.each(['', '5', 'tomorrow', '2026-13-40T10:00:00Z', '2026-11-22', '9999999d'])('time %j is refused', (text) => {
    expect(() => instant(text, now)).toThrow('RFC 3339');
  });

  test.each(['-1', '1.5', '', '1e3', ' 5', '11', '0x5'])('whole number %j is refused', (text) => {
    expect(() => whole(0, 10)(text)).toThrow('whole number 0 to 10');
  });

  test.each([
    ['IOT_LOG_LEVEL=debug', { part: '*', name: 'IOT_LOG_LEVEL', value: 'debug' }],
    ['gateway.IOT_X=a=b', { part: 'gateway', name: 'IOT_X', value: 'a=b' }],
    ['gateway.IOT_X=', { part: 'gateway', name: 'IOT_X', value: '' }],
  ])('setting %s', (text, expected) => {
    expect(setting(['gateway'])(text)).toEqual(expected);
  });
});

test('tables are aligned, numbers to the right, no blanks at the ends', () => {
  expect(
    table(
      ['NAME', 'N'],
      [
        ['a', 5],
        ['longer', 1_000],
      ],
    ),
  ).toBe('NAME       N\na          5\nlonger  1000');
  expect(bytes(1_610_612_736)).toBe('1.5 GiB');
});
