import { describe, expect, it } from 'vitest';
import { ProblemError, problem } from '../../../runtime/platform/http/problem.ts';
import { guardStore } from '../../../runtime/platform/resilience/store-guard.ts';
import { quietLog } from '../../support/log.ts';

const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
const broken = () => Promise.reject(Object.assign(new Error('duplicate key'), { code: '23505' }));
const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe('a guarded store', () => {
  it('that is away is a 503 that says when to come back, without the cause in its words', async () => {
    const guard = guardStore({ name: 'core', concurrent: 4 }, quietLog);
    const error = (await caught(guard.run(away))) as ProblemError;
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ status: 503, retryAfterSeconds: 1, detail: 'store core did not answer; try again' });
  });

  it('is not asked any more after failures in a row', async () => {
    const guard = guardStore({ name: 'core', concurrent: 4, breakAfter: 3 }, quietLog);
    let asked = 0;
    for (let n = 0; n < 10; n++)
      await caught(
        guard.run(() => {
          asked++;
          return away();
        }),
      );
    expect(asked).toBe(3);
    expect(guard.circuit()).toBe('open');
  });

  it("is not blamed for a caller's mistake", async () => {
    const guard = guardStore({ name: 'core', concurrent: 4, breakAfter: 2 }, quietLog);
    const refused = problem(404, 'None', 'none');
    for (let n = 0; n < 5; n++) {
      expect(await caught(guard.run(broken))).toMatchObject({ code: '23505' });
      expect(await caught(guard.run(() => Promise.reject(refused)))).toBe(refused);
    }
    expect(guard.circuit()).toBe('closed');
  });

  it('that is slow holds a bounded number of callers and refuses the rest at once', async () => {
    const guard = guardStore({ name: 'core', concurrent: 2 }, quietLog);
    const gate = Promise.withResolvers<string>();
    const calls = Array.from({ length: 6 }, () => caught(guard.run(() => gate.promise)));
    const refused = await Promise.all(calls.slice(4));
    expect(refused.map((error) => (error as ProblemError).detail)).toEqual(
      Array(2).fill('store core is busy; try again'),
    );
    gate.resolve('done');
    expect(await Promise.all(calls.slice(0, 4))).toEqual(Array(4).fill('done'));
  });
});
