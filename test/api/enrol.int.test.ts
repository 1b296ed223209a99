import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MintedClaimCodes } from '../../runtime/contracts/http/enrolment.ts';
import { createRequest, EnrolmentError, enrolWithClaimCode } from '../../runtime/device/enrol.ts';
import { startTestApi, type TestApi } from './harness.ts';

let api: TestApi;
let token: string;
beforeAll(async () => {
  api = await startTestApi({ IOT_RATE_ENROLMENTS: '5' }, {}, 'real');
  token = await api.token();
});
afterAll(() => api?.stop());

const mint = async (count: number, more: Record<string, unknown> = {}): Promise<string[]> => {
  const response = await fetch(`${api.url}/v1/claim-codes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ count, ...more }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as MintedClaimCodes).items.map(({ code }) => code);
};

test('a device enrols with its code alone, by the device library; nothing of the code is in a log', async () => {
  const [code = ''] = await mint(1, { prefix: 'lib-' });
  const request = await createRequest('lib-1');
  const enrolled = await enrolWithClaimCode({ code, request, api: api.url });
  expect(enrolled).toMatchObject({ device: 'lib-1', key: request.key, cert: expect.stringContaining('BEGIN') });
  expect(await enrolWithClaimCode({ code, request, api: api.url })).toEqual(enrolled);
  const taken = enrolWithClaimCode({ code, request: await createRequest('lib-2'), api: api.url });
  await expect(taken).rejects.toThrow(/409 .*used by another key/);
  await expect(taken).rejects.toBeInstanceOf(EnrolmentError);
  expect(api.logText()).not.toContain(code);
  expect(api.logText()).not.toContain(code.replaceAll('-', ''));
});

test('an address that asks too often is told when to come back, and others of the API are not limited by it', async () => {
  api.time.frozen = Date.now() + 60_000; // the bucket is full, and stays as it is
  const { csr } = await createRequest('nobody');
  const ask = () =>
    fetch(`${api.url}/v1/enrol`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: '00000-00000-00000-00000', csr }),
    });
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) {
    const response = await ask();
    statuses.push(response.status);
    if (response.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  }
  expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429]);
  api.time.frozen = undefined;
  const listed = await fetch(`${api.url}/v1/claim-codes`, { headers: { authorization: `Bearer ${token}` } });
  expect(listed.status).toBe(200);
});

test('a reader makes no codes', async () => {
  const response = await fetch(`${api.url}/v1/claim-codes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await api.token('reader')}`, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(response.status).toBe(403);
});
