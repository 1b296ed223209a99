/** Light and dark follow the system until a person chooses; the choice is kept in this browser. */
const key = 'iot-theme';
const chosen = localStorage.getItem(key);
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;

export function toggleTheme(): void {
  const now =
    document.documentElement.dataset['theme'] ??
    (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset['theme'] = next;
  localStorage.setItem(key, next);
  dispatchEvent(new Event('themechange'));
}
