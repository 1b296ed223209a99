import { useEffect } from 'preact/hooks';
import { AlertsPage } from './pages/alerts.tsx';
import { DeadLetterPage } from './pages/dead-letter.tsx';
import { DeadLettersPage } from './pages/dead-letters.tsx';
import { DevicePage } from './pages/device.tsx';
import { DevicesPage } from './pages/devices.tsx';
import { FleetPage } from './pages/fleet.tsx';
import { LogInPage } from './pages/log-in.tsx';
import { PlatformPage } from './pages/platform.tsx';
import { Shell } from './parts/shell.tsx';
import { Empty } from './parts/states.tsx';
import { go, route } from './route.ts';
import { finishLogIn, loginError, session } from './session.ts';

/** Which page an address shows. */
function page(path: string) {
  const device = /^\/devices\/([^/]+)$/.exec(path);
  if (device) return <DevicePage id={decodeURIComponent(device[1] as string)} key={device[1]} />;
  const letter = /^\/dead-letters\/([0-9a-f-]+)$/.exec(path);
  if (letter) return <DeadLetterPage id={letter[1] as string} key={letter[1]} />;
  switch (path) {
    case '/':
      return <FleetPage />;
    case '/devices':
      return <DevicesPage />;
    case '/alerts':
      return <AlertsPage />;
    case '/dead-letters':
      return <DeadLettersPage />;
    case '/platform':
      return <PlatformPage />;
    default:
      return (
        <Empty title="There is no such page">
          <a href="/">Go to the fleet</a>
        </Empty>
      );
  }
}

export function App() {
  const { path, query } = route.value;
  const returning = path === '/callback' && session.value === null && (query.has('code') || query.has('error'));
  useEffect(() => {
    if (path !== '/callback') return;
    finishLogIn().then(
      (to) => go(to, { replace: true }),
      (error: Error) => {
        loginError.value = `Log-in failed: ${error.message}`;
        go('/', { replace: true });
      },
    );
  }, [path]);
  if (returning) return <p class="centre muted">Logging in…</p>;
  if (session.value === null) return <LogInPage />;
  return <Shell path={path}>{page(path)}</Shell>;
}
