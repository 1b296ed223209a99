import { useEffect, useState } from 'preact/hooks';
import { call, type Schema } from '../api.ts';
import { ago } from '../format.ts';
import { onLive } from '../live.ts';
import { useQuery } from '../use-query.ts';
import { Failed, Loaded } from './states.tsx';

const open: ReadonlySet<string> = new Set(['queued', 'sent', 'acknowledged']);
const tones: Readonly<Record<string, string>> = { succeeded: 'ok', failed: 'critical', expired: 'warning' };

/** Commands of a device: sent from here, and what came of them, live. */
export function CommandsCard({ id }: { id: string }) {
  const commands = useQuery('listCommands', { params: { deviceId: id }, query: { limit: 20 } }, 15_000);
  useEffect(
    () =>
      onLive((event) => {
        if (event.type === 'command' && event.device === id) commands.reload();
      }),
    [id],
  );
  return (
    <section class="card" aria-label="Commands">
      <h2>Commands</h2>
      <SendForm id={id} sent={commands.reload} />
      <Loaded query={commands} what="commands">
        {({ items }) =>
          items.length === 0 ? (
            <p class="muted">None yet. A device that is not connected gets its commands when it connects.</p>
          ) : (
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th>Command</th>
                    <th>Status</th>
                    <th>Result</th>
                    <th>Sent by</th>
                    <th>
                      <span class="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((command) => (
                    <Row key={command.id} command={command} changed={commands.reload} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </section>
  );
}

function Row({ command, changed }: { command: Schema<'Command'>; changed: () => void }) {
  const [error, setError] = useState<Error | null>(null);
  const { device: deviceId, id: commandId, name, status, result, late } = command;
  const cancel = () =>
    call('cancelCommand', { params: { deviceId, commandId } }).then(changed, (cause: Error) => setError(cause));
  return (
    <tr>
      <td>
        <strong>{name}</strong> <Json value={command.payload} />
      </td>
      <td>
        <span class={`badge ${tones[status] ?? ''}`}>{status}</span>{' '}
        <span class="muted small">{ago(command.finishedAt ?? command.createdAt, Date.now())}</span>
      </td>
      <td>
        <Json value={result} />
        {late !== null && <div class="muted small">late: {`${late.status} ${shown(late.result)}`}</div>}
        {error && <Failed error={error} />}
      </td>
      <td class="muted">{command.createdBy}</td>
      <td>
        {open.has(status) && (
          <button type="button" class="quiet" aria-label={`Cancel ${name}`} onClick={() => void cancel()}>
            Cancel
          </button>
        )}
      </td>
    </tr>
  );
}

function Json({ value }: { value: unknown }) {
  return value === null || value === undefined ? null : <code class="small">{shown(value)}</code>;
}

const shown = (value: unknown) => (value === null || value === undefined ? '' : JSON.stringify(value).slice(0, 120));

function SendForm({ id, sent }: { id: string; sent: () => void }) {
  const [name, setName] = useState('');
  const [payload, setPayload] = useState('');
  const [minutes, setMinutes] = useState('60');
  const [error, setError] = useState<Error | null>(null);
  const send = async () => {
    try {
      const body = {
        name,
        timeoutSeconds: Math.round(Number(minutes) * 60),
        ...(payload.trim() === '' ? {} : { payload: JSON.parse(payload) as unknown }),
      };
      await call('sendCommand', { params: { deviceId: id }, body });
      setError(null);
      sent();
    } catch (cause) {
      setError(cause instanceof SyntaxError ? new Error(`The payload is no JSON: ${cause.message}`) : (cause as Error));
    }
  };
  return (
    <form
      class="row"
      aria-label="Send a command"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label>
        Command <input required maxLength={64} value={name} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="grow">
        Payload, JSON{' '}
        <input
          value={payload}
          spellcheck={false}
          placeholder='{"delay":5}'
          onInput={(event) => setPayload(event.currentTarget.value)}
        />
      </label>
      <label>
        Minutes to its deadline{' '}
        <input
          type="number"
          required
          min={1}
          max={10_080}
          value={minutes}
          onInput={(event) => setMinutes(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Send</button>
      {error && <Failed error={error} />}
    </form>
  );
}
