import type { Schema } from '../api.ts';
import { bytes, count, duration, rate, spoken } from '../format.ts';
import { Loaded } from '../parts/states.tsx';
import { useQuery } from '../use-query.ts';

const way = ['gateway', 'pubsub', 'processor', 'postgres'];

export function PlatformPage() {
  const platform = useQuery('getPlatform', {}, 2_000);
  return (
    <>
      <h1>Platform</h1>
      <Loaded query={platform} what="the platform's parts">
        {({ parts }) => (
          <>
            <section class="way" aria-label="The way of a message">
              {way.map((kind) => (
                <Hop
                  key={kind}
                  kind={kind}
                  parts={parts.filter((p) => p.name === kind || p.name.startsWith(`${kind}-`))}
                />
              ))}
            </section>
            <Waiting parts={parts} />
            <div class="card scroll">
              <table>
                <thead>
                  <tr>
                    <th>Part</th>
                    <th>Status</th>
                    <th class="number">CPU</th>
                    <th class="number">Memory</th>
                    <th class="number">Up</th>
                    <th>Per second</th>
                    <th>Now</th>
                  </tr>
                </thead>
                <tbody>
                  {parts.map((p) => (
                    <tr key={p.name}>
                      <td>
                        {p.name}
                        {p.pid !== null && <div class="muted small">pid {p.pid}</div>}
                      </td>
                      <td>
                        <span
                          class={`badge ${p.status === 'up' ? 'ok' : p.status === 'degraded' ? 'warning' : 'critical'}`}
                        >
                          {p.status}
                        </span>
                        {p.detail !== '' && <div class="muted small">{p.detail}</div>}
                      </td>
                      <td class="number">{p.cpu === null ? '–' : `${Math.round(p.cpu * 100)} %`}</td>
                      <td class="number">{bytes(p.rssBytes)}</td>
                      <td class="number">{duration(p.uptimeSeconds)}</td>
                      <td class="small">{pairs(p.rates)}</td>
                      <td class="small">{pairs(p.gauges)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

/** Dead letters that nobody has decided on; every processor says the same. The bounds are those of the cloud's alerts. */
function Waiting({ parts }: { parts: readonly Schema<'PlatformPart'>[] }) {
  const most = (gauge: string) => Math.max(0, ...parts.map((p) => p.gauges[gauge] ?? 0));
  const open = most('openDeadLetters');
  const seconds = most('oldestDeadLetterSeconds');
  if (open === 0) return null;
  const late = open > 10_000 || seconds > 7 * 86_400;
  return (
    <p class={`banner ${late ? 'bad' : 'warn'}`} role="status" data-testid="letters-waiting">
      {count(open)} dead {open === 1 ? 'letter waits' : 'letters wait'} for somebody, the oldest for {duration(seconds)}
      . <a href="/dead-letters">Look at them</a>
    </p>
  );
}

function Hop({ kind, parts }: { kind: string; parts: Schema<'PlatformPart'>[] }) {
  const worst = parts.some((p) => p.status === 'down')
    ? 'critical'
    : parts.some((p) => p.status === 'degraded')
      ? 'warning'
      : parts.length === 0
        ? ''
        : 'ok';
  const sums = new Map<string, number>();
  for (const part of parts)
    for (const [name, n] of Object.entries(part.rates)) sums.set(name, (sums.get(name) ?? 0) + n);
  const first = [...sums].slice(0, 3);
  return (
    <div class={`hop ${worst}`}>
      <strong>{kind}</strong>
      {first.length === 0 ? (
        <span class="muted small">{parts.length === 0 ? 'not seen' : 'no traffic counted'}</span>
      ) : (
        first.map(([name, n]) => (
          <span key={name} class="small">
            {rate(n)} /s {spoken(name)}
          </span>
        ))
      )}
    </div>
  );
}

function pairs(record: Record<string, number>) {
  const entries = Object.entries(record);
  return entries.length === 0 ? '–' : entries.map(([name, n]) => `${spoken(name)} ${rate(n)}`).join(' · ');
}
