import { describe, expect, test } from 'vitest';
import { cacheCaPem, cacheUrl } from '../../infra/data/cache.ts';
import { proofOf } from '../../infra/edge/https.ts';
import { projectNumberOf } from '../../infra/project/project.ts';

/** Only a live cloud finishes these: without one they fail by name, and with `renderKubernetesTo` nobody needs them. */
describe('what only a live cloud computes', () => {
  test.each([undefined, []])('a cache without endpoints (%j)', (endpoints) => {
    expect(() => cacheUrl(endpoints)).toThrow(/Valkey instance has no endpoint of type CONNECTION_TYPE_PRIMARY/);
    expect(cacheUrl(endpoints, true)).toBe('rediss://cache.invalid:6379?auth=iam');
  });

  test.each([undefined, [], [{ caCerts: [] }]])('a cache without authority (%j)', (authorities) => {
    expect(() => cacheCaPem(authorities)).toThrow(/Valkey instance has no certificate authority/);
    expect(cacheCaPem(authorities, true)).toBe('');
  });

  test('authorities of a cache are one file, each ended by a line', () => {
    expect(cacheCaPem([{ caCerts: [{ certificates: ['a', 'b\n'] }] }, { caCerts: [{ certificates: ['c'] }] }])).toBe(
      'a\nb\nc\n',
    );
  });

  test.each([undefined, []])('an API without proof of its name (%j)', (records) => {
    expect(() => proofOf(records, 'api.example.com', false)).toThrow(/proves api\.example\.com is yours/);
    expect(proofOf(records, 'api.example.com', true)).toBe('authorize.invalid.');
    expect(proofOf([{ data: 'a.authorize.example.' }], 'api.example.com', true)).toBe('a.authorize.example.');
  });

  test('a service agent without address', () => {
    expect(() => projectNumberOf(undefined)).toThrow(/expected is service-<project number>@/);
    expect(projectNumberOf('', true)).toMatch(/^\d+$/);
    expect(() => projectNumberOf('somebody@example.com', true)).toThrow(/'somebody@example.com'/);
    expect(projectNumberOf('service-17@gcp-sa-pubsub.iam.gserviceaccount.com', true)).toBe('17');
  });
});
