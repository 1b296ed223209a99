import { useState } from 'preact/hooks';
import { ApiError, call, type Schema } from '../api.ts';
import { bytes, dateTime } from '../format.ts';
import { Empty, Failed, Loaded } from '../parts/states.tsx';
import { useQuery } from '../use-query.ts';
import { LetterStatus } from './dead-letters.tsx';

type DeadLetterDetail = Schema<'DeadLetterDetail'>;
type Payload = Schema<'Payload'>;

export function DeadLetterPage({ id }: { id: string }) {
  const letter = useQuery('getDeadLetter', { params: { letterId: id } }, 2_000);
  if (letter.error instanceof ApiError && letter.error.status === 403)
    return (
      <Empty title="What devices sent is for operators">
        Your role sees that there are dead letters, not what is in them. <a href="/dead-letters">Back to the list</a>
      </Empty>
    );
  return (
    <Loaded query={letter} what="the dead letter">
      {(l) => (
        <>
          <p>
            <a href="/dead-letters">All dead letters</a>
          </p>
          <header class="row">
            <h1 class="grow">{l.detail}</h1>
            <Act letter={l} changed={letter.reload} />
          </header>
          <Facts letter={l} />
          <Shown title="Payload" payload={l.payload} note="as the device sent it; it never changes" />
          <Edit letter={l} changed={letter.reload} />
        </>
      )}
    </Loaded>
  );
}

function Facts({ letter: l }: { letter: DeadLetterDetail }) {
  const facts: [string, preact.ComponentChildren][] = [
    ['Reason', <span class="badge warning">{l.reason}</span>],
    ['Status', <LetterStatus letter={l} />],
    ['Device', <a href={`/devices/${encodeURIComponent(l.device)}`}>{l.device}</a>],
    ['Received', dateTime(l.receivedAt)],
    [
      'What',
      `${l.place === null ? 'a whole message' : `reading ${l.place + 1} of its message`}, ${l.kind}${l.subfolder === '' ? '' : `, below ${l.subfolder}`}`,
    ],
    ['Trace', <code>{l.message}</code>],
  ];
  if (l.outcome !== null) facts.push(['Outcome', outcomeOf(l)]);
  if (l.changedBy !== null)
    facts.push(['Changed', `by ${l.changedBy}${l.changedAt === null ? '' : `, ${dateTime(l.changedAt)}`}`]);
  return (
    <dl class="card facts" data-testid="letter-facts">
      {facts.map(([name, fact]) => (
        <div key={name}>
          <dt class="muted small">{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

function outcomeOf({ outcome, attempts }: DeadLetterDetail): string {
  if (outcome?.result === 'stored')
    return `${outcome.stored ?? 0} stored${outcome.duplicates ? `, ${outcome.duplicates} were stored before` : ''}`;
  if (outcome?.result === 'discarded') return `discarded: ${outcome.because ?? ''}`;
  return `failed ${attempts} times`;
}

function Shown({ title, payload, note }: { title: string; payload: Payload; note: string }) {
  return (
    <section class="card">
      <h2>{title}</h2>
      <pre data-testid={title.toLowerCase()}>{payload.text ?? payload.base64}</pre>
      <p class="muted small">
        {bytes(payload.bytes)}, {payload.text === null ? 'base64, as it is no text' : 'text'}; {note}
        {payload.truncated && '; only its beginning is shown'}
      </p>
      {payload.text !== null && (
        <details>
          <summary class="small">Bytes, in base64</summary>
          <pre>{payload.base64}</pre>
        </details>
      )}
    </section>
  );
}

function Act({ letter, changed }: { letter: DeadLetterDetail; changed: () => void }) {
  const [asking, setAsking] = useState(false);
  const [because, setBecause] = useState('');
  const [error, setError] = useState<Error | null>(null);
  const act = async (action: 'replay' | 'discard') => {
    try {
      const params = { letterId: letter.id };
      if (action === 'replay') await call('replayDeadLetter', { params });
      else await call('discardDeadLetter', { params, body: { because } });
      setError(null);
      setAsking(false);
      changed();
    } catch (e) {
      setError(e as Error);
    }
  };
  const { status } = letter;
  return (
    <div class="row">
      {(status === 'open' || status === 'discarded') && (
        <button type="button" onClick={() => void act('replay')}>
          Replay
        </button>
      )}
      {status === 'open' && !asking && (
        <button type="button" class="danger" onClick={() => setAsking(true)}>
          Discard…
        </button>
      )}
      {status === 'open' && asking && (
        <form
          class="card"
          onSubmit={(event) => {
            event.preventDefault();
            void act('discard');
          }}
        >
          <label>
            Because{' '}
            <input value={because} required maxLength={500} onInput={(e) => setBecause(e.currentTarget.value)} />
          </label>
          <button type="submit" class="danger">
            Discard
          </button>
          <button type="button" class="quiet" onClick={() => setAsking(false)}>
            Cancel
          </button>
        </form>
      )}
      {error !== null && <Failed error={error} />}
    </div>
  );
}

/** The text that a replay reads. It starts from what is there now; who saves first wins, the other is told. */
function Edit({ letter, changed }: { letter: DeadLetterDetail; changed: () => void }) {
  const now = letter.edit ?? letter.payload;
  const [draft, setDraft] = useState<{ version: number; text: string } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  if (letter.status !== 'open' && letter.edit === null) return null;
  const save = async (event: Event) => {
    event.preventDefault();
    if (draft === null) return;
    try {
      const encoding = now.text === null ? 'base64' : 'utf8';
      const body = { version: draft.version, payload: draft.text, encoding } as const;
      await call('editDeadLetter', { params: { letterId: letter.id }, body });
      setDraft(null);
      setError(null);
      changed();
    } catch (e) {
      setError(e as Error);
    }
  };
  return (
    <>
      {letter.edit !== null && <Shown title="Edited" payload={letter.edit} note="what a replay reads" />}
      {letter.status === 'open' &&
        (draft === null ? (
          <button
            type="button"
            disabled={now.truncated}
            onClick={() => setDraft({ version: letter.version, text: now.text ?? now.base64 })}
          >
            Edit…
          </button>
        ) : (
          <form class="card" onSubmit={(event) => void save(event)}>
            <label for="edited">What a replay shall read{now.text === null ? ', in base64' : ''}</label>
            <textarea
              id="edited"
              rows={8}
              spellcheck={false}
              value={draft.text}
              onInput={(e) => setDraft({ ...draft, text: e.currentTarget.value })}
            />
            {letter.transformed && (
              <p class="muted small">
                These values went through the device type's transform already; a replay does not run it again.
              </p>
            )}
            <button type="submit">Save</button>
            <button type="button" class="quiet" onClick={() => setDraft(null)}>
              Cancel
            </button>
            {error !== null && <Failed error={error} />}
          </form>
        ))}
    </>
  );
}
