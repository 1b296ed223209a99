import { useEffect, useMemo, useState } from 'preact/hooks';
import type { LiveEvent } from '../../../contracts/bus.ts';
import { count, dateTime, ms, rate, value } from '../format.ts';
import { withGaps } from '../history.ts';
import { onLive } from '../live.ts';
import { Chart } from '../parts/chart.tsx';
import { DegradedNote, Empty, Loaded } from '../parts/states.tsx';
import { Tile } from '../parts/tile.tsx';
import { useQuery } from '../use-query.ts';

export function FleetPage() {
  const summary = useQuery('getFleetSummary', {}, 2_000);
  return (
    <>
      <h1>Fleet</h1>
      <Loaded query={summary} what="the fleet">
        {(s) => (
          <>
            <DegradedNote degraded={s.degraded} />
            <section class="tiles" aria-label="The fleet in numbers">
              <Tile
                label="Connected"
                value={`${count(s.connected)} / ${count(s.devices)}`}
                note={s.blocked > 0 ? `${count(s.blocked)} blocked` : 'devices'}
                href="/devices"
              />
              <Tile
                label="Readings"
                value={`${rate(s.readingsPerSecond)} /s`}
                note={`${count(s.readingsTotal)} stored`}
              />
              <Tile label="Acknowledged in" value={ms(s.ackLatency.p50)} note={`p99 ${ms(s.ackLatency.p99)}`} />
              <Tile
                label="Queryable in"
                value={ms(s.queryableLatency.p50)}
                note={`p99 ${ms(s.queryableLatency.p99)}`}
              />
              <Tile
                label="Dead letters"
                value={count(s.deadLettersLastDay)}
                note="last 24 hours"
                tone={s.deadLettersLastDay > 0 ? 'warn' : undefined}
                href="/dead-letters"
              />
              <Tile
                label="Open alerts"
                value={count(s.openAlerts)}
                note="see all"
                tone={s.openAlerts > 0 ? 'bad' : undefined}
                href="/alerts"
              />
            </section>
            {s.devices === 0 && (
              <Empty title="No devices yet">
                Register the first one: <code>npx iot device create my-device --out my-device</code>
              </Empty>
            )}
          </>
        )}
      </Loaded>
      <div class="columns">
        <FleetChart />
        <section class="card">
          <h2>Live</h2>
          <LiveFeed />
        </section>
      </div>
      <OpenAlerts />
    </>
  );
}

function FleetChart() {
  const [metric, setMetric] = useState('temperature');
  const [asked, setAsked] = useState('temperature');
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  const data = useQuery(
    'getFleetAggregate',
    { query: { metric: asked, from: String(minute - 3_600_000), to: String(minute + 60_000), resolution: '1m' } },
    15_000,
  );
  const items = useMemo(() => withGaps(data.data?.items ?? [], 60_000), [data.data]);
  const times = useMemo(() => items.map((i) => Date.parse(i.ts) / 1_000), [items]);
  const series = useMemo(
    () => [
      { label: 'average', values: items.map((i) => ('empty' in i ? null : i.avg)) },
      { label: 'lowest', values: items.map((i) => ('empty' in i ? null : i.min)) },
      { label: 'highest', values: items.map((i) => ('empty' in i ? null : i.max)) },
    ],
    [items],
  );
  return (
    <section class="card grow">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(metric);
        }}
      >
        <h2>Last hour</h2>
        <label>
          Metric{' '}
          <input
            value={metric}
            onInput={(event) => setMetric(event.currentTarget.value)}
            onBlur={() => setAsked(metric)}
            pattern="[A-Za-z_][A-Za-z0-9_.\-]{0,63}"
            required
          />
        </label>
      </form>
      <Loaded query={data} what="the last hour">
        {(d) => (
          <>
            <DegradedNote degraded={d.degraded} />
            {d.items.length === 0 ? (
              <Empty title={`No numbers for “${asked}” in the last hour`}>Type another metric's name above.</Empty>
            ) : (
              <Chart
                times={times}
                series={series}
                band
                summary={`${asked} over the last hour: average, lowest and highest of the fleet by minute`}
              />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function LiveFeed() {
  const [events, setEvents] = useState<{ key: number; event: LiveEvent; at: number }[]>([]);
  useEffect(() => {
    let key = 0;
    return onLive((event) => {
      key += 1;
      setEvents((old) => [{ key, event, at: Date.now() }, ...old].slice(0, 14));
    });
  }, []);
  if (events.length === 0) return <p class="muted">Nothing yet. The next reading appears here by itself.</p>;
  return (
    <ul class="feed" aria-live="off">
      {events.map(({ key, event }) => (
        <li key={key}>
          <a href={`/devices/${encodeURIComponent(event.device)}`}>{event.device}</a>{' '}
          <span class="muted">{words(event)}</span>
        </li>
      ))}
    </ul>
  );
}

function words(event: LiveEvent): string {
  switch (event.type) {
    case 'state':
      return Object.entries(event.values)
        .slice(0, 3)
        .map(([name, v]) => `${name} ${value(v as number)}`)
        .join(', ');
    case 'connection':
      return event.connected ? 'connected' : 'disconnected';
    case 'alert':
      return `alert ${event.state}`;
    case 'twin':
      return `${event.side} state, version ${event.version}`;
    case 'command':
      return `command ${event.status}`;
  }
}

function OpenAlerts() {
  const alerts = useQuery('listAlerts', { query: { state: 'open', limit: 5 } }, 5_000);
  if (!alerts.data || alerts.data.items.length === 0) return null;
  return (
    <section class="card">
      <h2>Open alerts</h2>
      <ul class="feed">
        {alerts.data.items.map((a) => (
          <li key={a.id}>
            <span class={`badge ${a.severity}`}>{a.severity}</span>{' '}
            <a href={`/devices/${encodeURIComponent(a.device)}`}>{a.device}</a> {a.detail}{' '}
            <span class="muted">since {dateTime(a.openedAt)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
