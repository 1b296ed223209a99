import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PlatformPart } from '../../contracts/http/telemetry.ts';
import { parsePrometheusText } from '../../platform/http/prometheus-text.ts';
import type { Log } from '../../platform/service/log.ts';
import { gaugesOf, ratesBetween, type Scrape, toScrape } from './rates.ts';

/** A store that this process itself is connected to, seen from here. */
export type OwnCheck = { name: string; check: () => Promise<{ up: boolean; detail: string }> };

export type PartsOptions = {
  /** Health base URLs by part name, from IOT_PARTS. */
  parts: ReadonlyMap<string, string>;
  ownChecks: readonly OwnCheck[];
  /** The local launcher's status file. */
  statusFile: string | undefined;
  log: Log;
  clock: () => number;
  everyMs?: number;
};

const LocalStatus = z.object({
  processes: z
    .array(
      z.object({
        name: z.string(),
        pid: z.int().nullish(),
        state: z.string(),
        cpu: z.number().nullish(),
        rssBytes: z.number().nullish(),
        startedAt: z.union([z.string(), z.number()]).nullish(),
        restarts: z.number().nullish(),
      }),
    )
    .max(64),
});
type LocalProcess = z.infer<typeof LocalStatus>['processes'][number];
type Seen = {
  status: PlatformPart['status'];
  detail: string;
  scrape: Scrape | undefined;
  previous: Scrape | undefined;
};

const answerWithinMs = 1_500;
const longestAnswer = 4 * 1024 * 1024;

/**
 * Each part's health and rates, scraped every 2 s for as long as somebody looks (and a minute longer), so that a page
 * costs the parts the same whether one person or a hundred have it open.
 */
export function createParts(options: PartsOptions) {
  const { everyMs = 2_000, clock } = options;
  const seen = new Map<string, Seen>();
  let local: LocalProcess[] = [];
  let lastAsked = 0;
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    if (clock() - lastAsked < 60_000) void look();
  }, everyMs);
  timer.unref();

  const look = (): Promise<void> => {
    round ??= Promise.all([
      ...[...options.parts].map(async ([name, url]) => void seen.set(name, await visit(url, seen.get(name)))),
      ...options.ownChecks.map(async ({ name, check }) => {
        const { up, detail } = await check().catch((error: Error) => ({ up: false, detail: error.message }));
        seen.set(name, { status: up ? 'up' : 'down', detail, scrape: undefined, previous: undefined });
      }),
      readStatus(options.statusFile, options.log).then((found) => {
        local = found;
      }),
    ]).then(() => {
      round = undefined;
    });
    return round;
  };

  return {
    async read(): Promise<PlatformPart[]> {
      const stale = clock() - lastAsked > 3 * everyMs;
      lastAsked = clock();
      if (stale) await look();
      const names = new Set([...local.map((p) => p.name), ...seen.keys()]);
      return [...names].map((name) =>
        toPart(
          name,
          seen.get(name),
          local.find((p) => p.name === name),
          clock(),
        ),
      );
    },
    stop: () => clearInterval(timer),
  };
}

/** `name=http://host:port,…`; the setting's own form. @throws naming the entry that is wrong. */
export function parseParts(text: string): Map<string, string> {
  const parts = new Map<string, string>();
  for (const entry of text.split(',').filter((one) => one.trim() !== '')) {
    const [, name = '', url = ''] = /^\s*([a-z][a-z0-9-]{0,62})=(https?:\/\/[^\s,]+)\s*$/.exec(entry) ?? [];
    if (name === '' || !URL.canParse(url))
      throw new Error(`IOT_PARTS has '${entry}'; allowed is name=http://host:port,… with the parts' health ports`);
    parts.set(name, url.replace(/\/$/, ''));
  }
  return parts;
}

async function visit(url: string, before: Seen | undefined): Promise<Seen> {
  const previous = before?.scrape;
  try {
    const [ready, metrics] = await Promise.all([get(`${url}/readyz`), get(`${url}/metrics`)]);
    const scrape = metrics.ok ? toScrape(parsePrometheusText(metrics.text), performance.now()) : undefined;
    if (ready.ok) return { status: 'up', detail: '', scrape, previous };
    return { status: 'degraded', detail: waitsFor(ready.text), scrape, previous };
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name;
    return { status: 'down', detail: `does not answer (${cause})`, scrape: undefined, previous: undefined };
  }
}

async function get(url: string): Promise<{ ok: boolean; text: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs), redirect: 'error' });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > longestAnswer) throw new Error('answer too large');
  }
  return { ok: response.ok, text };
}

function waitsFor(text: string): string {
  const waiting = z.object({ waiting: z.array(z.string().max(200)).max(16) });
  try {
    return `waits for ${waiting.parse(JSON.parse(text)).waiting.join(', ')}`;
  } catch {
    return 'not ready'; // it says so in words we do not know
  }
}

async function readStatus(file: string | undefined, log: Log): Promise<LocalProcess[]> {
  if (file === undefined) return [];
  try {
    return LocalStatus.parse(JSON.parse(await readFile(file, 'utf8'))).processes;
  } catch (error) {
    log.debug({ file, error: (error as Error).message }, "the launcher's status file can not be read now");
    return [];
  }
}

function toPart(name: string, seen: Seen | undefined, local: LocalProcess | undefined, now: number): PlatformPart {
  const scrape = seen?.scrape;
  const { rates, cpu } = scrape === undefined ? { rates: {}, cpu: null } : ratesBetween(seen?.previous, scrape);
  const startedAt = scrape?.startedAt != null ? scrape.startedAt * 1_000 : epochMs(local?.startedAt);
  const restarts = local?.restarts ?? 0;
  const details = [seen?.detail ?? '', restarts > 0 ? `restarted ${restarts} times` : ''].filter(Boolean);
  const running = local === undefined || local.state === 'running' || local.state === 'ready';
  return {
    name,
    status: seen?.status ?? (running ? 'up' : 'down'),
    detail: details.join('; '),
    pid: local?.pid ?? null,
    uptimeSeconds: startedAt === null ? null : Math.max(0, Math.round((now - startedAt) / 1_000)),
    cpu: local?.cpu ?? cpu,
    rssBytes:
      Math.round(local?.rssBytes ?? scrape?.rssBytes ?? -1) < 0
        ? null
        : Math.round(local?.rssBytes ?? scrape?.rssBytes ?? 0),
    rates,
    gauges: scrape === undefined ? {} : gaugesOf(scrape),
  };
}

function epochMs(value: string | number | null | undefined): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : (value ?? Number.NaN);
  return Number.isFinite(ms) ? ms : null;
}
