/** One sample of a Prometheus text exposition. Histogram parts keep their suffix: `x_bucket` with label `le`, `x_sum`, `x_count`. */
export type Sample = { name: string; labels: Readonly<Record<string, string>>; value: number };
export type Exposition = { samples: Sample[]; types: ReadonlyMap<string, string> };

/**
 * Parses the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format),
 * as far as prom-client writes it. Bounded: reads at most `most` samples, skips lines it does not understand, so that a
 * strange or endless answer of one part costs a little and breaks nothing.
 */
export function parsePrometheusText(text: string, most = 20_000): Exposition {
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  let at = 0;
  while (at < text.length && samples.length < most) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const line = text.slice(at, end);
    at = end + 1;
    if (line.startsWith('#')) {
      const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) ([a-z]+)/.exec(line);
      if (type !== null) types.set(type[1] as string, type[2] as string);
      continue;
    }
    const sample = parseSample(line);
    if (sample !== undefined) samples.push(sample);
  }
  return { samples, types };
}

const samplePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? +(\S+)/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const longestLine = 4_096;

function parseSample(line: string): Sample | undefined {
  if (line.length > longestLine) return undefined;
  const match = samplePattern.exec(line);
  if (match === null) return undefined;
  const value = match[3] === '+Inf' ? Infinity : match[3] === '-Inf' ? -Infinity : Number(match[3]);
  if (Number.isNaN(value) && match[3] !== 'NaN') return undefined;
  const labels: Record<string, string> = Object.create(null);
  for (const [, name = '', quoted = ''] of (match[2] ?? '').matchAll(labelPattern))
    labels[name] = quoted.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  return { name: match[1] as string, labels, value };
}
