import { useState } from 'preact/hooks';
import { call, type Input, type Schema } from '../api.ts';
import { count } from '../format.ts';
import { Failed } from './states.tsx';

type DeadLetterSummary = Schema<'DeadLetterSummary'>;
type Sent = Input<'replayDeadLetters'>['body']['filter'];
type Filter = { [Name in keyof Sent]: Sent[Name] | undefined };
type Action = 'replay' | 'discard';
type Progress = { action: Action; batch: string; taken: number; remaining: number; counts?: DeadLetterSummary };

/** Acts on all open letters that the filter finds, a share at a time; what failed halfway goes on under its name. */
export function BulkLetters({ filter, changed }: { filter: Filter; changed: () => void }) {
  const [asking, setAsking] = useState<Action | null>(null);
  const [because, setBecause] = useState('');
  const [progress, setProgress] = useState<Progress | null>(null);
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);

  const run = async (action: Action, resumed: Progress | null) => {
    const batch = resumed?.batch ?? `dashboard-${crypto.randomUUID().slice(0, 13)}`;
    let taken = resumed?.taken ?? 0;
    setRunning(true);
    setError(null);
    try {
      const body = { batch, filter: given({ ...filter, to: filter.to ?? String(Date.now()) }) };
      for (let more = true; more; ) {
        const {
          changed: n,
          remaining,
          degraded,
        } = action === 'replay'
          ? await call('replayDeadLetters', { body })
          : await call('discardDeadLetters', { body: { ...body, because } });
        taken += n;
        setProgress({ action, batch, taken, remaining });
        if (degraded !== undefined) throw new Error('not all databases answered; “Go on” takes the rest');
        more = n > 0 && remaining > 0;
      }
      setAsking(null);
      await untilSettled(batch, (counts) => setProgress({ action, batch, taken, remaining: 0, counts }));
    } catch (e) {
      setError(e as Error);
      setProgress({ action, batch, taken, remaining: 1 });
    } finally {
      setRunning(false);
      changed();
    }
  };

  return (
    <section class="row" aria-label="All that the filter finds">
      {asking === null ? (
        <>
          <button type="button" disabled={running} onClick={() => setAsking('replay')}>
            Replay all…
          </button>
          <button type="button" class="danger" disabled={running} onClick={() => setAsking('discard')}>
            Discard all…
          </button>
        </>
      ) : (
        <form
          class="card row"
          onSubmit={(event) => {
            event.preventDefault();
            void run(asking, null);
          }}
        >
          <span>{asking === 'replay' ? 'Replay' : 'Discard'} every open letter that the filter finds</span>
          {asking === 'discard' && (
            <label>
              Because{' '}
              <input value={because} required maxLength={500} onInput={(e) => setBecause(e.currentTarget.value)} />
            </label>
          )}
          <button type="submit" class={asking === 'discard' ? 'danger' : ''} disabled={running}>
            {asking === 'replay' ? 'Replay all' : 'Discard all'}
          </button>
          <button type="button" class="quiet" onClick={() => setAsking(null)}>
            Cancel
          </button>
        </form>
      )}
      {progress !== null && (
        <span role="status" class="muted" data-testid="bulk-progress">
          {told(progress, running)}
        </span>
      )}
      {error !== null && (
        <Failed error={error} {...(progress === null ? {} : { retry: () => void run(progress.action, progress) })} />
      )}
    </section>
  );
}

function told({ action, taken, remaining, counts }: Progress, running: boolean): string {
  if (counts === undefined) return `${count(taken)} taken${running ? `, ${count(remaining)} to go` : ''}`;
  if (action === 'discard') return `${count(counts.discarded)} discarded`;
  const failed = counts.open > 0 ? `, ${count(counts.open)} failed again` : '';
  return `${count(counts.replayed)} replayed${failed}${counts.replaying > 0 ? `, ${count(counts.replaying)} on their way` : ''}`;
}

/** The processors work on what was asked for; the page follows for a while. */
async function untilSettled(batch: string, say: (counts: DeadLetterSummary) => void): Promise<void> {
  for (const until = Date.now() + 120_000; Date.now() < until; ) {
    const counts = await call('getDeadLetterSummary', { query: { batch } });
    say(counts);
    if (counts.replaying === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** What is not set is left out. */
const given = (filter: Filter) => Object.fromEntries(Object.entries(filter).filter(([, v]) => v !== undefined)) as Sent;
