import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { liveStatus, onLive } from '../live.ts';
import { logOut } from '../session.ts';
import { toggleTheme } from '../theme.ts';
import { useQuery } from '../use-query.ts';

const pages = [
  ['/', 'Fleet'],
  ['/devices', 'Devices'],
  ['/alerts', 'Alerts'],
  ['/dead-letters', 'Dead letters'],
  ['/platform', 'Platform'],
] as const;

const liveWords = { off: 'not live', connecting: 'connecting', live: 'live', waiting: 'reconnecting' };

export function Shell({ path, children }: { path: string; children: ComponentChildren }) {
  const who = useQuery('whoAmI', {});
  // One listener of the frame's own keeps the stream open while pages come and go.
  useEffect(() => onLive(() => undefined), []);
  const status = liveStatus.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <img src="/favicon.svg" alt="" width="24" height="24" /> IoT platform
        </a>
        <nav aria-label="Pages">
          {pages.map(([to, name]) => (
            <a
              key={to}
              href={to}
              aria-current={path === to || (to !== '/' && path.startsWith(`${to}/`)) ? 'page' : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
        <div class="who">
          <span class={`live live-${status}`} role="status">
            {liveWords[status]}
          </span>
          {who.data && (
            <span class="muted small" title={`tenant ${who.data.tenant}`}>
              {who.data.subject} · {who.data.role ?? 'machine'}
            </span>
          )}
          <button type="button" class="quiet" onClick={toggleTheme} aria-label="Switch between light and dark">
            ◐
          </button>
          <button type="button" class="quiet" onClick={() => void logOut()}>
            Log out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
