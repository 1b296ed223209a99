import { useEffect, useState } from 'preact/hooks';
import { ApiError, call, type Schema } from '../api.ts';
import { ago } from '../format.ts';
import { onLive } from '../live.ts';
import { useQuery } from '../use-query.ts';
import { Failed, Loaded } from './states.tsx';

/** What the device shall be, what it says it is, and the difference; the first is edited here. */
export function TwinCard({ id }: { id: string }) {
  const twin = useQuery('getTwin', { params: { deviceId: id } }, 15_000);
  const [editing, setEditing] = useState<Schema<'DesiredState'> | null>(null);
  useEffect(
    () =>
      onLive((event) => {
        if (event.type === 'twin' && event.device === id) twin.reload();
      }),
    [id],
  );
  return (
    <section class="card" aria-label="Twin">
      <h2>Twin</h2>
      <Loaded query={twin} what="twin">
        {({ desired, reported, delta }) => (
          <div class="twin">
            <Side name="Desired" version={desired.version} updatedAt={desired.updatedAt} document={desired.document}>
              {editing === null ? (
                <button type="button" onClick={() => setEditing(desired)}>
                  Edit desired…
                </button>
              ) : (
                <Editor
                  id={id}
                  base={editing}
                  done={() => {
                    setEditing(null);
                    twin.reload();
                  }}
                />
              )}
            </Side>
            <Side
              name="Reported"
              version={reported.version}
              updatedAt={reported.updatedAt}
              document={reported.document}
            />
            <div>
              <h3>Not reported yet</h3>
              {Object.keys(delta).length === 0 ? (
                <p class="muted" data-testid="delta">
                  Nothing: the device has all that is desired.
                </p>
              ) : (
                <pre data-testid="delta">{JSON.stringify(delta, null, 2)}</pre>
              )}
            </div>
          </div>
        )}
      </Loaded>
    </section>
  );
}

function Side({
  name,
  version,
  updatedAt,
  document,
  children,
}: {
  name: string;
  version: number;
  updatedAt: string | null;
  document: Record<string, unknown>;
  children?: preact.ComponentChildren;
}) {
  return (
    <div>
      <h3>
        {name}{' '}
        <span class="muted small">
          {version === 0 ? 'never set' : `version ${version}, ${ago(updatedAt, Date.now())}`}
        </span>
      </h3>
      {version > 0 && <pre data-testid={name.toLowerCase()}>{JSON.stringify(document, null, 2)}</pre>}
      {children}
    </div>
  );
}

/** Saves only over the version that it was opened with. */
function Editor({ id, base, done }: { id: string; base: Schema<'DesiredState'>; done: () => void }) {
  const [text, setText] = useState(JSON.stringify(base.document, null, 2));
  const [error, setError] = useState<Error | null>(null);
  const save = async () => {
    try {
      const body = JSON.parse(text) as Record<string, unknown>;
      await call('putDesired', { params: { deviceId: id }, headers: { 'if-match': `"${base.version}"` }, body });
      done();
    } catch (cause) {
      setError(
        cause instanceof ApiError && cause.status === 412
          ? new Error('Somebody else has changed it meanwhile. Cancel, and edit what is there now.')
          : cause instanceof SyntaxError
            ? new Error(`This is no JSON: ${cause.message}`)
            : (cause as Error),
      );
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <label>
        Desired state, JSON{' '}
        <textarea
          rows={Math.min(16, text.split('\n').length + 1)}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {error && <Failed error={error} />}
      <div class="row">
        <button type="submit">Save</button>
        <button type="button" class="quiet" onClick={done}>
          Cancel
        </button>
      </div>
    </form>
  );
}
