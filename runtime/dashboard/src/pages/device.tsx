import { useEffect, useMemo, useState } from 'preact/hooks';
import { ApiError, call, type Schema } from '../api.ts';
import { ago, dateTime, value } from '../format.ts';
import { chartData, withGaps, withLive } from '../history.ts';
import { missedLive, onLive } from '../live.ts';
import { Chart } from '../parts/chart.tsx';
import { CommandsCard } from '../parts/commands.tsx';
import { DegradedNote, Empty, Failed, Loaded } from '../parts/states.tsx';
import { TwinCard } from '../parts/twin.tsx';
import { useQuery } from '../use-query.ts';
import { Connection } from './devices.tsx';

const ranges = {
  '15 min': 900_000,
  '1 h': 3_600_000,
  '24 h': 86_400_000,
  '7 d': 604_800_000,
  '30 d': 2_592_000_000,
} as const;
type Range = keyof typeof ranges;

export function DevicePage({ id }: { id: string }) {
  const device = useQuery('getDevice', { params: { deviceId: id } }, 5_000);
  return (
    <Loaded query={device} what={id}>
      {(d) => (
        <>
          <header class="row">
            <div class="grow">
              <h1>{d.id}</h1>
              <p class="muted">
                <Connection device={d} /> {d.type}
                {d.name !== d.id && ` · ${d.name}`}
                {d.connection.gateway !== null && d.connection.connected && ` · on ${d.connection.gateway}`}
                {` · seen ${ago(d.connection.lastSeenAt, Date.now())}`}
                {d.tags.map((t) => (
                  <a class="tag" key={t} href={`/devices?tag=${encodeURIComponent(t)}`}>
                    {t}
                  </a>
                ))}
              </p>
            </div>
            <BlockButton device={d} changed={device.reload} />
          </header>
          {d.status === 'blocked' && (
            <div class="banner bad" role="status">
              Blocked{d.blockedReason ? `: ${d.blockedReason}` : ''}. Its sessions are ended and new ones refused.
            </div>
          )}
          <Readings id={id} />
          <TwinCard id={id} />
          <CommandsCard id={id} />
          <Certificates id={id} />
        </>
      )}
    </Loaded>
  );
}

function BlockButton({ device, changed }: { device: Schema<'Device'>; changed: () => void }) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [error, setError] = useState<Error | null>(null);
  const act = async (action: 'blockDevice' | 'unblockDevice') => {
    try {
      await call(action, { params: { deviceId: device.id }, body: reason === '' ? {} : { reason } });
      setAsking(false);
      setError(null);
      changed();
    } catch (e) {
      setError(e as Error);
    }
  };
  if (device.status === 'blocked')
    return (
      <div>
        <button type="button" onClick={() => void act('unblockDevice')}>
          Unblock
        </button>
        {error && <Failed error={error} />}
      </div>
    );
  if (!asking)
    return (
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        Block…
      </button>
    );
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void act('blockDevice');
      }}
    >
      <label>
        Why <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} maxLength={200} />
      </label>
      <button type="submit" class="danger">
        Block {device.id}
      </button>
      <button type="button" class="quiet" onClick={() => setAsking(false)}>
        Cancel
      </button>
      {error && <Failed error={error} />}
    </form>
  );
}

function Readings({ id }: { id: string }) {
  const [range, setRange] = useState<Range>('15 min');
  const missed = missedLive.value;
  // The window is fixed when a range is chosen; newer readings arrive live, and when some did not, it is chosen anew.
  const window = useMemo(() => ({ from: Date.now() - ranges[range], to: Date.now() + 300_000 }), [range, missed]);
  const history = useQuery(
    'getHistory',
    {
      params: { deviceId: id },
      query: { from: String(window.from), to: String(window.to), resolution: 'auto', limit: 10_000 },
    },
    range === '15 min' ? undefined : 60_000,
  );
  const state = useQuery('getState', { params: { deviceId: id } }, 10_000);
  const [live, setLive] = useState<{ ts: number; seq: number; values: Record<string, unknown> }[]>([]);
  useEffect(() => {
    setLive([]);
    return onLive((event) => {
      if (event.type === 'state' && event.device === id) setLive((old) => [...old.slice(-999), event]);
    });
  }, [id, window]);
  const points = useMemo(() => {
    const base = history.data?.items ?? [];
    return history.data?.resolution === 'raw'
      ? live.reduce((all, reading) => withLive(all, reading, 10_000), base)
      : base;
  }, [history.data, live]);
  const { times, metrics } = useMemo(() => {
    const step =
      history.data?.resolution === '1m'
        ? 60_000
        : history.data?.resolution === '1h'
          ? 3_600_000
          : Number.POSITIVE_INFINITY;
    return chartData(withGaps(points, step));
  }, [points, history.data?.resolution]);
  const newest =
    live.at(-1) !== undefined && (state.data === undefined || (live.at(-1)?.ts ?? 0) >= Date.parse(state.data.ts))
      ? live.at(-1)
      : undefined;
  const shown = newest
    ? { ts: new Date(newest.ts).toISOString(), values: newest.values as Schema<'State'>['values'] }
    : state.data;
  return (
    <>
      <section class="card">
        <h2>Now</h2>
        {state.error &&
          !shown &&
          (state.error instanceof ApiError && state.error.status === 404 ? (
            <Empty title="No reading yet">It appears here with the device's first message.</Empty>
          ) : (
            <Failed error={state.error} retry={state.reload} />
          ))}
        {shown && (
          <>
            <dl class="values" data-testid="newest">
              {Object.entries(shown.values).map(([name, v]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value(v)}</dd>
                </div>
              ))}
            </dl>
            <p class="muted small">
              {dateTime(shown.ts)}
              {state.data?.source === 'store' && !newest ? ' · read from the store: the cache is away' : ''}
            </p>
          </>
        )}
      </section>
      <section class="card">
        <div class="row">
          <h2 class="grow">History</h2>
          <div class="choices" role="radiogroup" aria-label="Time range">
            {(Object.keys(ranges) as Range[]).map((name) => (
              <label key={name}>
                <input type="radio" name="range" checked={name === range} onChange={() => setRange(name)} />
                <span>{name}</span>
              </label>
            ))}
          </div>
        </div>
        <Loaded query={history} what="history">
          {(h) => (
            <>
              <DegradedNote degraded={h.degraded} />
              {points.length === 0 ? (
                <Empty title={`No readings in the last ${range}`}>
                  Choose a longer range, or wait: new ones appear by themselves.
                </Empty>
              ) : metrics.size === 0 ? (
                <p class="muted">The readings of this range have no numbers to draw.</p>
              ) : (
                <div class="charts">
                  {[...metrics].map(([name, values]) => (
                    <figure key={name}>
                      <figcaption>{name}</figcaption>
                      <Chart
                        window={{ from: window.from, to: window.from + ranges[range] }}
                        times={times}
                        series={[{ label: name, values }]}
                        height={180}
                        summary={`${name} over the last ${range}, ${points.length} points`}
                      />
                    </figure>
                  ))}
                </div>
              )}
              <p class="muted small">
                {points.length} points,{' '}
                {h.resolution === 'raw'
                  ? 'each reading'
                  : h.resolution === '1m'
                    ? 'averages of a minute'
                    : 'averages of an hour'}
                {h.next !== null && ' – there are more than are drawn; choose a shorter range'}
              </p>
            </>
          )}
        </Loaded>
      </section>
    </>
  );
}

function Certificates({ id }: { id: string }) {
  const certificates = useQuery('listCertificates', { params: { deviceId: id } }, 30_000);
  return (
    <section class="card scroll">
      <h2>Certificates</h2>
      <Loaded query={certificates} what="certificates">
        {(page) =>
          page.items.length === 0 ? (
            <p class="muted">
              None. Make one: <code>npx iot device create {id}</code>
            </p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>Serial</th>
                  <th>Valid until</th>
                  <th>Status</th>
                </tr>
              </thead>
              <tbody>
                {page.items.map((c) => (
                  <tr key={c.serial}>
                    <td>
                      <code>{c.serial}</code>
                    </td>
                    <td>{dateTime(c.notAfter)}</td>
                    <td>
                      <span class={`badge ${c.status === 'active' ? 'ok' : 'critical'}`}>{c.status}</span>
                      {c.revokedReason !== null && <span class="muted small"> {c.revokedReason}</span>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </section>
  );
}
