import pc from 'picocolors';

/** What goes where: results on stdout, everything said on the way on stderr. Colour only on a terminal (NO_COLOR wins). */
export type Output = {
  /** A result for a program or a person. */
  print(text: string): void;
  /** Something said on the way. */
  say(text: string): void;
  paint: ReturnType<typeof pc.createColors>;
};

export function terminalOutput(env: Record<string, string | undefined>): Output {
  const colour = process.stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return {
    print: (text) => void process.stdout.write(`${text}\n`),
    say: (text) => void process.stderr.write(`${text}\n`),
    paint: pc.createColors(colour),
  };
}

export const json = (value: unknown) => JSON.stringify(value);

/** Columns as wide as their longest cell, two spaces between, no trailing blanks. Numbers are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  const right = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function bytes(n: number): string {
  return n >= 1_073_741_824 ? `${(n / 1_073_741_824).toFixed(1)} GiB` : `${Math.round(n / 1_048_576)} MiB`;
}
