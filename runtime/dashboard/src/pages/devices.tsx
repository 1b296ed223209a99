import { useState } from 'preact/hooks';
import type { Schema } from '../api.ts';
import { ago } from '../format.ts';
import { DegradedNote, Empty, Loaded } from '../parts/states.tsx';
import { go, route } from '../route.ts';
import { useQuery } from '../use-query.ts';

export function DevicesPage() {
  const { query } = route.value;
  const search = query.get('search') ?? '';
  const tag = query.get('tag') ?? '';
  const status = query.get('status') ?? '';
  const cursor = query.get('cursor') ?? undefined;
  const [text, setText] = useState(search);
  const [tagText, setTagText] = useState(tag);
  const devices = useQuery(
    'listDevices',
    {
      query: {
        search: search || undefined,
        tag: tag || undefined,
        status: (status || undefined) as Schema<'Device'>['status'] | undefined,
        cursor,
        limit: 50,
      },
    },
    10_000,
  );
  const filter = (change: Record<string, string>) => {
    const next = new URLSearchParams(Object.entries({ search, tag, status, ...change }).filter(([, v]) => v !== ''));
    go(`/devices${next.size > 0 ? `?${next}` : ''}`);
  };
  return (
    <>
      <h1>Devices</h1>
      <search>
        <form
          class="row card"
          onSubmit={(event) => {
            event.preventDefault();
            filter({ search: text.trim(), tag: tagText.trim() });
          }}
        >
          <label>
            Search{' '}
            <input
              type="search"
              value={text}
              placeholder="part of an id or name"
              onInput={(e) => setText(e.currentTarget.value)}
            />
          </label>
          <label>
            Tag <input value={tagText} onInput={(e) => setTagText(e.currentTarget.value)} />
          </label>
          <label>
            Status{' '}
            <select value={status} onChange={(e) => filter({ status: e.currentTarget.value })}>
              <option value="">any</option>
              <option value="active">active</option>
              <option value="blocked">blocked</option>
            </select>
          </label>
          <button type="submit">Search</button>
        </form>
      </search>
      <Loaded query={devices} what="devices">
        {(page) => (
          <>
            <DegradedNote degraded={page.degraded} />
            {page.items.length === 0 ? (
              <Empty title={search || tag || status ? 'No device matches' : 'No devices yet'}>
                {search || tag || status ? (
                  <a href="/devices">Show all</a>
                ) : (
                  <>
                    Register one: <code>npx iot device create my-device --out my-device</code>
                  </>
                )}
              </Empty>
            ) : (
              <div class="card scroll">
                <table>
                  <thead>
                    <tr>
                      <th>Device</th>
                      <th>Type</th>
                      <th>Connection</th>
                      <th>Tags</th>
                      <th>Last seen</th>
                    </tr>
                  </thead>
                  <tbody>
                    {page.items.map((d) => (
                      <tr key={d.id}>
                        <td>
                          <a href={`/devices/${encodeURIComponent(d.id)}`}>{d.id}</a>
                          {d.name !== d.id && <div class="muted small">{d.name}</div>}
                        </td>
                        <td>{d.type}</td>
                        <td>
                          <Connection device={d} />
                        </td>
                        <td>
                          {d.tags.map((t) => (
                            <a class="tag" key={t} href={`/devices?tag=${encodeURIComponent(t)}`}>
                              {t}
                            </a>
                          ))}
                        </td>
                        <td class="muted">{ago(d.connection.lastSeenAt, Date.now())}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
            <nav class="row" aria-label="Pages of devices">
              {cursor !== undefined && (
                <button type="button" onClick={() => history.back()}>
                  ← Back
                </button>
              )}
              {page.next !== null && (
                <button type="button" onClick={() => filter({ cursor: page.next as string })}>
                  Next 50 →
                </button>
              )}
            </nav>
          </>
        )}
      </Loaded>
    </>
  );
}

export function Connection({ device }: { device: Schema<'Device'> }) {
  if (device.status === 'blocked') return <span class="badge critical">blocked</span>;
  return device.connection.connected ? <span class="badge ok">connected</span> : <span class="badge">offline</span>;
}
