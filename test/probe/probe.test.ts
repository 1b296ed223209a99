import { describe, expect, test } from 'vitest';
import type { Credentials } from '../../runtime/device/enrol.ts';
import { type ProbeParts, type ProbeStep, probe, probeSteps } from '../../runtime/probe/probe.ts';

const credentials: Credentials = { key: 'key', cert: 'cert', ca: 'ca' };
const reading = { ts: 1_700_000_000_000, seq: 7, values: { probe: true } };
const { promise: never } = Promise.withResolvers<never>();

/** A platform in which each step takes 10 ms, and one of them may fail or never end. */
function platform(
  given: { broken?: ProbeStep; stuck?: ProbeStep; newest?: ({ ts: number; seq: number } | undefined)[] } = {},
) {
  let at = 0;
  const did: string[] = [];
  const aborter = new AbortController();
  const step = async <T>(name: ProbeStep, value: T): Promise<T> => {
    did.push(name);
    at += 10;
    if (given.broken === name) throw new Error(`${name} is broken`);
    if (given.stuck === name) {
      aborter.abort(new Error('took longer than the deadline'));
      return await never;
    }
    return value;
  };
  const answers = [...(given.newest ?? [reading])];
  const parts: ProbeParts = {
    deviceId: 'probe',
    api: {
      token: () => step('token', 'token'),
      ensureDevice: () => step('device', undefined),
      newest: () => step('query', answers.shift()),
    },
    enrol: () => step('certificate', credentials),
    device: () => ({
      connected: step('connect', undefined),
      publish: () => step('publish', reading),
      problem: () => (given.broken === 'connect' ? 'certificate has another name' : undefined),
      stop: async () => void did.push('stop'),
    }),
    signal: aborter.signal,
    now: () => at,
    pause: async () => void did.push('pause'),
  };
  return { parts, did };
}

describe('the probe', () => {
  test('walks the whole way and times each step', async () => {
    const { parts, did } = platform();
    const result = await probe(parts);
    expect(did).toEqual([...probeSteps, 'stop']);
    expect(result).toMatchObject({ ok: true, failed: null, totalMs: 60 });
    expect(Object.keys(result.steps)).toEqual([...probeSteps]);
  });

  test.each(probeSteps)('says that %s failed, and goes no further', async (broken) => {
    const { parts, did } = platform({ broken });
    const result = await probe(parts);
    expect(result).toMatchObject({
      ok: false,
      failed: { step: broken, why: expect.stringMatching(`^${broken} is broken`) },
    });
    expect(Object.keys(result.steps)).toEqual(probeSteps.slice(0, probeSteps.indexOf(broken)));
    const later = probeSteps.slice(probeSteps.indexOf(broken) + 1);
    expect(did.filter((each) => later.includes(each as ProbeStep))).toEqual([]);
    // A device that was begun is ended, or the process would live on.
    expect(did.includes('stop')).toBe(probeSteps.indexOf(broken) >= probeSteps.indexOf('connect'));
  });

  test("a connection's failure carries what the device said", async () => {
    const { parts } = platform({ broken: 'connect' });
    expect((await probe(parts)).failed?.why).toBe('connect is broken (device: certificate has another name)');
  });

  test.each(probeSteps)('a %s that never ends is ended by the deadline', async (stuck) => {
    const { parts } = platform({ stuck });
    expect((await probe(parts)).failed).toEqual({ step: stuck, why: 'took longer than the deadline' });
  });

  test('only its own reading counts', async () => {
    const other = [undefined, { ...reading, seq: 6 }, { ...reading, ts: reading.ts + 1 }, reading];
    const { parts, did } = platform({ newest: other });
    expect((await probe(parts)).ok).toBe(true);
    expect(did.filter((each) => each === 'pause')).toHaveLength(3);
  });
});
