import { useState } from 'preact/hooks';
import { deadLetterReasons } from '../../../contracts/telemetry.ts';
import { dateTime } from '../format.ts';
import { DegradedNote, Empty, Loaded } from '../parts/states.tsx';
import { useQuery } from '../use-query.ts';

export function DeadLettersPage() {
  const [reason, setReason] = useState<(typeof deadLetterReasons)[number] | ''>('');
  const letters = useQuery('listDeadLetters', { query: { reason: reason || undefined, limit: 100 } }, 10_000);
  return (
    <>
      <div class="row">
        <h1 class="grow">Dead letters</h1>
        <label>
          Reason{' '}
          <select value={reason} onChange={(e) => setReason(e.currentTarget.value as typeof reason)}>
            <option value="">any</option>
            {deadLetterReasons.map((r) => (
              <option key={r} value={r}>
                {r}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Loaded query={letters} what="dead letters">
        {(page) => (
          <>
            <DegradedNote degraded={page.degraded} />
            {page.items.length === 0 ? (
              <Empty title="None">What can not be stored is kept here, with its reason and its payload.</Empty>
            ) : (
              <ul class="letters">
                {page.items.map((l) => (
                  <li class="card" key={l.id}>
                    <div class="row">
                      <span class="badge warning">{l.reason}</span>
                      <a class="grow" href={`/devices/${encodeURIComponent(l.device)}`}>
                        {l.device}
                      </a>
                      <span class="muted small">{dateTime(l.receivedAt)}</span>
                    </div>
                    <p>{l.detail}</p>
                    <details>
                      <summary>Payload</summary>
                      <pre>{l.payload}</pre>
                      <p class="muted small">
                        {l.encoding === 'base64' ? 'base64, as it is not text · ' : ''}trace <code>{l.message}</code>
                      </p>
                    </details>
                  </li>
                ))}
              </ul>
            )}
            {page.next !== null && <p class="muted">There are more; choose a reason, or use the API.</p>}
          </>
        )}
      </Loaded>
    </>
  );
}
