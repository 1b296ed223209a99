import { useState } from 'preact/hooks';
import { deadLetterReasons, deadLetterStatuses } from '../../../contracts/telemetry.ts';
import type { Input, Schema } from '../api.ts';
import { ago, count, dateTime } from '../format.ts';
import { BulkLetters } from '../parts/bulk-letters.tsx';
import { DegradedNote, Empty, Failed, Loaded } from '../parts/states.tsx';
import { go, route } from '../route.ts';
import { useQuery } from '../use-query.ts';

type DeadLetter = Schema<'DeadLetter'>;
type Asked = NonNullable<Input<'listDeadLetters'>['query']>;
const filterNames = ['status', 'reason', 'device', 'from', 'to'] as const;
type Filters = Record<(typeof filterNames)[number], string>;

/** The filters are the address, so that a view can be kept, sent and gone back to. */
function filtersOf(query: URLSearchParams): Filters {
  const filters = Object.fromEntries(filterNames.map((name) => [name, query.get(name) ?? ''])) as Filters;
  return { ...filters, status: query.get('status') ?? 'open' };
}

function show(filters: Filters): void {
  const query = new URLSearchParams(Object.entries(filters).filter(([name, v]) => v !== '' || name === 'status'));
  go(`/dead-letters?${query}`, { replace: true });
}

export function DeadLettersPage() {
  const filters = filtersOf(route.value.query);
  const [cursors, setCursors] = useState<string[]>([]);
  const asked: Asked = {
    // The API refuses what is no status or reason, in words that the page shows.
    status: (filters.status || undefined) as Asked['status'],
    reason: (filters.reason || undefined) as Asked['reason'],
    device: filters.device || undefined,
    from: instant(filters.from),
    to: instant(filters.to),
  };
  const letters = useQuery('listDeadLetters', { query: { ...asked, cursor: cursors.at(-1), limit: 50 } }, 5_000);
  const summary = useQuery('getDeadLetterSummary', {}, 5_000);
  const who = useQuery('whoAmI', {});
  const mayAct = who.data?.scopes.includes('dead-letters:write') === true;
  const change = (name: keyof Filters) => (value: string) => {
    setCursors([]);
    show({ ...filters, [name]: value });
  };
  const changed = () => {
    letters.reload();
    summary.reload();
  };
  return (
    <>
      <h1>Dead letters</h1>
      <Loaded query={summary} what="numbers">
        {(s) => <Numbers summary={s} />}
      </Loaded>
      <form class="card filters" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
        <Choice label="Status" value={filters.status} of={deadLetterStatuses} change={change('status')} />
        <Choice label="Reason" value={filters.reason} of={deadLetterReasons} change={change('reason')} />
        <label>
          Device{' '}
          <input
            value={filters.device}
            maxLength={255}
            onChange={(e) => change('device')(e.currentTarget.value.trim())}
          />
        </label>
        <Moment label="Since" value={filters.from} change={change('from')} />
        <Moment label="Before" value={filters.to} change={change('to')} />
      </form>
      {filters.status === 'open' && mayAct && (
        <BulkLetters
          filter={{ reason: asked.reason, device: asked.device, from: asked.from, to: asked.to }}
          changed={changed}
        />
      )}
      <Loaded query={letters} what="dead letters">
        {(page) => (
          <>
            <DegradedNote degraded={page.degraded} />
            {page.items.length === 0 ? (
              <Empty title={filters.status === 'open' ? 'Nothing waits' : 'None'}>
                What cannot be stored is kept here, with its reason and its payload, until somebody decides.
              </Empty>
            ) : (
              <Letters items={page.items} />
            )}
            <p class="row">
              {cursors.length > 0 && (
                <button type="button" onClick={() => setCursors(cursors.slice(0, -1))}>
                  Newer
                </button>
              )}
              {page.next !== null && (
                <button type="button" onClick={() => setCursors([...cursors, page.next as string])}>
                  Older
                </button>
              )}
            </p>
          </>
        )}
      </Loaded>
      {letters.error !== undefined && summary.error !== undefined && <Failed error={letters.error} />}
    </>
  );
}

function Numbers({ summary }: { summary: Schema<'DeadLetterSummary'> }) {
  const { open, replaying, replayed, discarded, oldestOpenAt, reasons } = summary;
  return (
    <p class="muted" data-testid="letter-numbers">
      {count(open)} open{oldestOpenAt !== null && `, the oldest from ${ago(oldestOpenAt, Date.now())}`}
      {replaying > 0 && ` · ${count(replaying)} on their way`} · {count(replayed)} replayed · {count(discarded)}{' '}
      discarded
      {reasons.map(({ reason, open: n }) => (
        <a class="tag" key={reason} href={`/dead-letters?status=open&reason=${reason}`}>
          {reason} {count(n)}
        </a>
      ))}
      <DegradedNote degraded={summary.degraded} />
    </p>
  );
}

function Letters({ items }: { items: readonly DeadLetter[] }) {
  return (
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th>Reason</th>
            <th>What</th>
            <th>Device</th>
            <th>Received</th>
            <th>Status</th>
          </tr>
        </thead>
        <tbody>
          {items.map((l) => (
            <tr key={l.id}>
              <td>
                <span class="badge warning">{l.reason}</span>
              </td>
              <td>
                <a href={`/dead-letters/${l.id}`}>{l.detail}</a>
                {l.edited && <span class="tag">edited</span>}
              </td>
              <td>
                <a href={`/devices/${encodeURIComponent(l.device)}`}>{l.device}</a>
              </td>
              <td class="small">{dateTime(l.receivedAt)}</td>
              <td>
                <LetterStatus letter={l} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const colours = { open: 'warning', replaying: '', replayed: 'ok', discarded: '' };

export function LetterStatus({ letter }: { letter: DeadLetter }) {
  return (
    <>
      <span class={`badge ${colours[letter.status]}`}>{letter.status}</span>
      {letter.attempts > 0 && <span class="muted small"> tried {letter.attempts}×</span>}
    </>
  );
}

function Choice(props: { label: string; value: string; of: readonly string[]; change: (value: string) => void }) {
  return (
    <label>
      {props.label}{' '}
      <select value={props.value} onChange={(e) => props.change(e.currentTarget.value)}>
        <option value="">any</option>
        {props.of.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function Moment(props: { label: string; value: string; change: (value: string) => void }) {
  return (
    <label>
      {props.label}{' '}
      <input type="datetime-local" value={props.value} onChange={(e) => props.change(e.currentTarget.value)} />
    </label>
  );
}

/** What the field has is local time; the API takes epoch milliseconds. */
const instant = (local: string) => (Number.isNaN(Date.parse(local)) ? undefined : String(Date.parse(local)));
