import type { ComponentChildren } from 'preact';

/** One number of the overview. */
export function Tile({
  label,
  value,
  note,
  tone,
  href,
}: {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: 'bad' | 'warn' | 'good' | undefined;
  href?: string;
}) {
  const body = (
    <>
      <span class="tile-label">{label}</span>
      <span class={`tile-value ${tone ?? ''}`}>{value}</span>
      {note !== undefined && <span class="muted small">{note}</span>}
    </>
  );
  return href === undefined ? (
    <div class="tile">{body}</div>
  ) : (
    <a class="tile" href={href}>
      {body}
    </a>
  );
}
