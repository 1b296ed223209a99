import { signal } from '@preact/signals';

/** The address bar as a signal; links inside the application change it without a reload. */
export const route = signal({ path: location.pathname, query: new URLSearchParams(location.search) });

export function go(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  update();
  if (!options.replace) document.querySelector<HTMLElement>('main')?.focus();
}

function update(): void {
  route.value = { path: location.pathname, query: new URLSearchParams(location.search) };
}

addEventListener('popstate', update);
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element | null)?.closest('a');
  if (link === null || link === undefined) return;
  if (link.target !== '' || link.origin !== location.origin || link.hasAttribute('download')) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
