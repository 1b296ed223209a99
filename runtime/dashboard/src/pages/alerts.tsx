import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { dateTime } from '../format.ts';
import { DegradedNote, Empty, Failed, Loaded } from '../parts/states.tsx';
import { useQuery } from '../use-query.ts';

export function AlertsPage() {
  const [state, setState] = useState<'open' | 'closed' | ''>('open');
  const [error, setError] = useState<Error | null>(null);
  const alerts = useQuery('listAlerts', { query: { state: state || undefined, limit: 100 } }, 5_000);
  const acknowledge = async (id: string) => {
    try {
      await call('acknowledgeAlert', { params: { alertId: id } });
      setError(null);
      alerts.reload();
    } catch (e) {
      setError(e as Error);
    }
  };
  return (
    <>
      <div class="row">
        <h1 class="grow">Alerts</h1>
        <label>
          Show{' '}
          <select value={state} onChange={(e) => setState(e.currentTarget.value as typeof state)}>
            <option value="open">open</option>
            <option value="closed">closed</option>
            <option value="">all</option>
          </select>
        </label>
      </div>
      {error && <Failed error={error} />}
      <Loaded query={alerts} what="alerts">
        {(page) => (
          <>
            <DegradedNote degraded={page.degraded} />
            {page.items.length === 0 ? (
              <Empty title={state === 'open' ? 'All quiet' : 'No alerts'}>
                A device type's rules open alerts: a threshold, or silence.
              </Empty>
            ) : (
              <div class="card scroll">
                <table>
                  <thead>
                    <tr>
                      <th>Severity</th>
                      <th>Device</th>
                      <th>What</th>
                      <th>Opened</th>
                      <th>Closed</th>
                      <th>Seen</th>
                    </tr>
                  </thead>
                  <tbody>
                    {page.items.map((a) => (
                      <tr key={a.id}>
                        <td>
                          <span class={`badge ${a.severity}`}>{a.severity}</span>
                        </td>
                        <td>
                          <a href={`/devices/${encodeURIComponent(a.device)}`}>{a.device}</a>
                        </td>
                        <td>
                          {a.detail} <span class="muted small">{a.rule}</span>
                        </td>
                        <td>{dateTime(a.openedAt)}</td>
                        <td>{a.closedAt === null ? '–' : dateTime(a.closedAt)}</td>
                        <td>
                          {a.acknowledgedAt === null ? (
                            <button type="button" onClick={() => void acknowledge(a.id)}>
                              Mark as seen
                            </button>
                          ) : (
                            <span class="muted small">{a.acknowledgedBy}</span>
                          )}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}
