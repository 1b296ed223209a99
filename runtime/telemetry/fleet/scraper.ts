import type { Log } from '../../platform/service/log.ts';
import { keep, type Rates, ratesOf, readScrape, type Scrape } from './window.ts';

export type Target = { name: string; url: string };
export type Scraper = {
  /** Numbers by the newest scrapes, and the targets whose last scrape failed. */
  now(): { rates: Rates; missing: string[] };
  stop(): Promise<void>;
};

const everyMs = 2_000;
const timeoutMs = 1_500;
const mostBytes = 4 * 1024 * 1024;

/**
 * `name=http://host:port/metrics,…` as targets.
 * @throws Error naming the entry and what is allowed.
 */
export function parseTargets(text: string): Target[] {
  if (text === '') return [];
  return text.split(',').map((entry) => {
    const at = entry.indexOf('=');
    const [name, url] = [entry.slice(0, at), entry.slice(at + 1)];
    if (at < 1 || !/^[a-z][a-z0-9-]{0,62}$/.test(name) || !/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new Error(`IOT_SCRAPE has '${entry}'; allowed is name=http://host:port/metrics,…`);
    return { name, url };
  });
}

/** Reads the metrics of gateways and processors each two seconds and keeps a minute of what matters. */
export function startScraper(targets: readonly Target[], clock: () => number, log: Log): Scraper {
  const history = new Map<string, Scrape[]>(targets.map(({ name }) => [name, []]));
  const missing = new Set<string>();
  const stopped = new AbortController();

  const scrape = async ({ name, url }: Target): Promise<void> => {
    try {
      const text = await read(url, AbortSignal.any([stopped.signal, AbortSignal.timeout(timeoutMs)]));
      const at = clock();
      history.set(name, keep([...(history.get(name) ?? []), readScrape(text, at)], at));
      if (missing.delete(name)) log.info({ part: name }, 'metrics are read again');
    } catch (error) {
      if (stopped.signal.aborted || missing.has(name)) return;
      missing.add(name);
      log.warn({ part: name, error: String(error) }, 'metrics cannot be read; rates lack this part');
    }
  };
  let round = Promise.all(targets.map(scrape));
  const timer = setInterval(() => {
    round = Promise.all(targets.map(scrape));
  }, everyMs);
  timer.unref();
  return {
    now() {
      const at = clock();
      return {
        rates: ratesOf(
          [...history.values()].map((scrapes) => keep(scrapes, at)),
          at,
        ),
        missing: [...missing],
      };
    },
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await round;
    },
  };
}

async function read(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`answered more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
