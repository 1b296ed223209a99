/** Partitions of the time series: readings by day, rollups by month. Pure: which there should be, at a given time. */
export type PartitionedTable = 'readings' | 'rollup_1m' | 'rollup_1h';
export type Partition = { table: PartitionedTable; name: string; from: string; to: string };

const dayMs = 86_400_000;

/** The partition that holds `ts` (epoch milliseconds); bounds are UTC dates, `to` is outside. */
export function partitionOf(table: PartitionedTable, ts: number): Partition {
  const date = new Date(ts);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const daily = table === 'readings';
  const from = isoDate(Date.UTC(year, month, daily ? day : 1));
  const to = isoDate(daily ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1));
  return { table, name: `${table}_${from.replaceAll('-', '').slice(0, daily ? 8 : 6)}`, from, to };
}

/** Partitions for these times, each once, in order of name. */
export function partitionsFor(table: PartitionedTable, times: Iterable<number>): Partition[] {
  const found = new Map<string, Partition>();
  const days = new Set<number>();
  for (const ts of times) days.add(Math.floor(ts / dayMs));
  for (const day of days) {
    const partition = partitionOf(table, day * dayMs);
    found.set(partition.name, partition);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What to make ahead: yesterday (late data at midnight), today, and two days more. */
export function partitionsAhead(now: number): Partition[] {
  const times = [-1, 0, 1, 2].map((days) => now + days * dayMs);
  return (['readings', 'rollup_1m', 'rollup_1h'] as const).flatMap((table) => partitionsFor(table, times));
}

/** Which of the existing partitions hold nothing that is still to be kept. Names that are not ours are left alone. */
export function partitionsToDrop(
  existing: readonly string[],
  now: number,
  keepDays: { readings: number; rollups: number },
): string[] {
  return existing.filter((name) => {
    const match = /^(readings|rollup_1m|rollup_1h)_(\d{4})(\d\d)(\d\d)?$/.exec(name);
    if (match === null) return false;
    const [, table, year, month, day] = match;
    if ((table === 'readings') !== (day !== undefined)) return false;
    const end =
      day === undefined
        ? Date.UTC(Number(year), Number(month), 1)
        : Date.UTC(Number(year), Number(month) - 1, Number(day) + 1);
    // A day more than asked: a reading may be as old as the retention when it comes in.
    return end < now - (table === 'readings' ? keepDays.readings + 1 : keepDays.rollups) * dayMs;
  });
}

function isoDate(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
