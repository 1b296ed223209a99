import type { ComponentChildren } from 'preact';
import { liveStatus } from '../live.ts';
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
  const who = useQuery<{ subject: string; tenant: string; role: string | null }>('/v1/whoami');
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
