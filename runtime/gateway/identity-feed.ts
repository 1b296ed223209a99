import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  callerHeaders,
  type IdentityChanges,
  identityChangeKinds,
  identityChangesPath,
  identityFormat,
  identityFormatHeader,
} from '../contracts/http/index.ts';
import { defaultTenant } from '../contracts/identifiers.ts';
import type { ServiceToken } from '../platform/identity/service-token.ts';
import type { Log } from '../platform/service/log.ts';
import {
  applyKnown,
  type Effect,
  type KnownIdentities,
  knownAsChanges,
  nothingKnown,
  pruneKnown,
} from './known-identities.ts';
import {
  applyChanges,
  type Ending,
  fromSnapshot,
  noRevocations,
  pruneExpired,
  type Revocations,
  refusal,
  toSnapshot,
} from './revocations.ts';

const revocationKinds: ReadonlySet<string> = new Set(['blocked', 'unblocked', 'certificate-revoked']);
const pageSize = 1_000;
const defaultPollMs = 1_000;
const timeoutMs = 3_000;
const pruneMs = 3_600_000;

const Changes = z.object({
  version: z.int(),
  changes: z.array(
    z.object({
      version: z.int(),
      tenant: z.string(),
      device: z.string(),
      change: z.enum(identityChangeKinds),
      serial: z.string().nullable(),
      at: z.number(),
      expiresAt: z.number().nullish(),
      data: z.unknown().optional(),
    }),
  ),
  more: z.boolean(),
});

/**
 * The gateway's copy of who may not connect. Polls the devices service each second, at once when told (`pollNow`), keeps
 * a snapshot on disk: with the devices service and Redis away, devices still come in and blocked ones still stay out.
 * Without a snapshot and without a first answer it is not ready.
 */
export class IdentityFeed {
  private readonly url: string;
  private readonly file: string;
  private readonly knownFile: string;
  private readonly pollMs: number;
  private readonly identity: ServiceToken;
  private readonly log: Log;
  private readonly onEnding: (endings: readonly Ending[]) => void;
  private readonly onCredentials: (effect: Effect) => void;
  private state: Revocations | undefined;
  /** Who may come in by something else than a certificate of ours. */
  known: KnownIdentities = nothingKnown();
  private polling: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private away = false;
  private prunedAt = 0;
  /** When the devices service last answered, epoch milliseconds. */
  lastAnswerAt = 0;

  constructor(options: {
    devicesUrl: string;
    /** Proves to the devices service who asks. */
    identity: ServiceToken;
    folder: string;
    pollMs?: number | undefined;
    log: Log;
    onEnding: (endings: readonly Ending[]) => void;
    /** What lets devices in has changed: keys, factory CAs, what a tenant allows. */
    onCredentials?: (effect: Effect) => void;
  }) {
    this.url = new URL(identityChangesPath, options.devicesUrl).href;
    this.file = join(options.folder, 'identities.json');
    this.knownFile = join(options.folder, 'credentials.json');
    this.pollMs = options.pollMs ?? defaultPollMs;
    this.identity = options.identity;
    this.log = options.log;
    this.onEnding = options.onEnding;
    this.onCredentials = options.onCredentials ?? (() => undefined);
  }

  /** Loads the snapshot, asks once, then keeps asking. Does not fail when the devices service is away. */
  async start(): Promise<void> {
    await mkdir(join(this.file, '..'), { recursive: true, mode: 0o700 });
    this.state = await this.load();
    if (this.state !== undefined) await this.loadKnown(this.state);
    await this.pollNow();
    this.schedule();
  }

  get ready(): boolean {
    return this.state !== undefined;
  }

  get version(): number {
    return this.state?.version ?? -1;
  }

  /** @returns why the device may not connect; also when nothing is known yet. */
  refusal(device: string, serial: string | undefined): string | undefined {
    return this.state === undefined ? 'identities are not loaded yet' : refusal(this.state, device, serial);
  }

  /** Asks now; a call while one is under way asks once more after it. */
  pollNow(): Promise<void> {
    if (this.polling !== undefined) this.again = true;
    this.polling ??= this.poll().finally(() => {
      this.polling = undefined;
      if (!this.again || this.stopped) return;
      this.again = false;
      void this.pollNow();
    });
    return this.polling;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.polling;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.pollNow().then(() => this.schedule()), this.pollMs);
    this.timer.unref();
  }

  private async poll(): Promise<void> {
    try {
      await this.fetchChanges();
      this.lastAnswerAt = Date.now();
      if (this.away) this.log.info({ version: this.version }, 'identity changes are read again');
      this.away = false;
    } catch (error) {
      if (!this.away) this.log.warn({ error, url: this.url, version: this.version }, 'identity changes not read');
      this.away = true;
    }
  }

  private async fetchChanges(): Promise<void> {
    let next = this.state ?? noRevocations();
    let known = this.known;
    let effect: Effect = 'none';
    let knownChanged = false;
    let endings: Ending[] = [];
    let changed = this.state === undefined;
    for (let more = true; more; ) {
      const page = await this.fetchPage(next.version);
      more = page.more;
      if (page.version < next.version) {
        // The list begins anew (a database restored from a backup): read it from the start, beside what is in force.
        this.log.error({ known: next.version, offered: page.version }, 'identity changes went back, reading all again');
        next = noRevocations();
        known = nothingKnown();
        endings = [];
        effect = 'trust';
        knownChanged = true;
        more = true;
        changed = true;
      } else {
        changed ||= page.changes.length > 0;
        for (const change of page.changes) {
          if (change.version <= next.version) continue;
          knownChanged ||= !revocationKinds.has(change.change);
          const did = applyKnown(known, change);
          if (effect !== 'trust' && did !== 'none') effect = did;
        }
        endings.push(...applyChanges(next, page.changes));
      }
    }
    changed = this.prune(next, known) || changed;
    this.state = next;
    this.known = known;
    if (endings.length > 0) this.onEnding(endings);
    if (effect !== 'none') this.onCredentials(effect);
    // First what lets in: a crash in between then reads changes twice, and never misses one.
    if (knownChanged) await this.saveKnown();
    if (changed) await this.save();
  }

  /** At the first answer, then each hour: the snapshot does not grow with history. */
  private prune(state: Revocations, known: KnownIdentities): boolean {
    const now = Date.now();
    if (now - this.prunedAt < pruneMs) return false;
    this.prunedAt = now;
    pruneKnown(known, now);
    return pruneExpired(state, now) > 0;
  }

  private async fetchPage(after: number): Promise<IdentityChanges> {
    const response = await fetch(`${this.url}?after=${after}&limit=${pageSize}`, {
      headers: {
        authorization: `Bearer ${await this.identity.current()}`,
        // Every internal request names a tenant; the list itself spans all.
        [callerHeaders.tenant]: defaultTenant,
        [identityFormatHeader]: identityFormat,
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 401) this.identity.forget(); // asked again with the next poll
    if (!response.ok) throw new Error(`${this.url} answered ${response.status}`);
    return Changes.parse(await response.json());
  }

  private async load(): Promise<Revocations | undefined> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return fromSnapshot(text);
    } catch (error) {
      this.log.error(
        { error, file: this.file },
        'identity snapshot is damaged; the devices service has to answer first',
      );
      return undefined;
    }
  }

  /**
   * What lets devices in besides our certificates has a file of its own, which only its own changes write: keys of a
   * fleet are megabytes, a revocation is a line. Without it all changes are read again from the first.
   */
  private async loadKnown(state: Revocations): Promise<void> {
    try {
      const { changes } = Changes.parse(JSON.parse(await readFile(this.knownFile, 'utf8')));
      for (const change of changes) applyKnown(this.known, change);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.log.error({ error, file: this.knownFile }, 'credentials snapshot is damaged, reading all changes again');
      this.known = nothingKnown();
      state.version = 0;
    }
  }

  private async saveKnown(): Promise<void> {
    if (this.state === undefined) return;
    const { version } = this.state;
    const changes = knownAsChanges(this.known, version);
    await replaceDurably(this.knownFile, JSON.stringify({ version, changes, more: false }));
  }

  private async save(): Promise<void> {
    if (this.state !== undefined) await replaceDurably(this.file, toSnapshot(this.state));
  }
}

async function replaceDurably(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
