import type { Cache } from '../platform/cache/cache.ts';
import { CacheError } from '../platform/cache/errors.ts';
import { gatewayKey, presenceIndexKey, presenceKey, presenceMember } from '../platform/cache/keys.ts';
import { holdConnection, releaseConnection } from '../platform/cache/scripts/index.ts';
import type { Log } from '../platform/service/log.ts';
import type { Session } from './session.ts';

const defaultHeartbeatMs = 10_000;
const ttlMs = 35_000;
const chunk = 500;
/** What comes and goes within it is written together: alone, each connection would be four writes to Redis. */
const gatherMs = 100;

/**
 * Says in Redis which gateway holds which device, so that commands find their way. Everything is said again every ten
 * seconds and when Redis comes back, so a flush heals by itself; Redis away stops nothing.
 */
export class Presence {
  private readonly cache: Cache;
  private readonly gateway: string;
  private readonly sessions: () => Iterable<Session>;
  private readonly onDisplaced: (session: Session) => void;
  private readonly log: Log;
  private readonly timer: NodeJS.Timeout;
  private readonly endUp: () => void;
  private beating: Promise<void> | undefined;
  private fresh: Session[] = [];
  private gone: Session[] = [];
  private gathering: NodeJS.Timeout | undefined;
  private named = false;

  /** @param onDisplaced a newer connection of the device exists at another gateway. */
  constructor(options: {
    cache: Cache;
    gateway: string;
    heartbeatMs?: number | undefined;
    sessions: () => Iterable<Session>;
    onDisplaced: (session: Session) => void;
    log: Log;
  }) {
    this.cache = options.cache;
    this.gateway = options.gateway;
    this.sessions = options.sessions;
    this.onDisplaced = options.onDisplaced;
    this.log = options.log;
    this.timer = setInterval(() => void this.beat(), options.heartbeatMs ?? defaultHeartbeatMs);
    this.timer.unref();
    this.endUp = options.cache.onUp(() => void this.beat());
  }

  connected(session: Session): void {
    this.fresh.push(session);
    this.gather();
  }

  ended(session: Session): void {
    const { presence } = session;
    session.presence = 'over';
    if (presence !== 'told') return;
    this.gone.push(session);
    this.gather();
  }

  /** Renews all; a call while one runs joins it. */
  beat(): Promise<void> {
    this.named = false;
    this.beating ??= this.renew([...this.sessions()]).finally(() => {
      this.beating = undefined;
    });
    return this.beating;
  }

  /** Releases what ended so far; what Redis does not take ends by its own time to live. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.gathering);
    this.endUp();
    await this.beating;
    await this.writeChanges();
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => void this.writeChanges(), gatherMs).unref();
  }

  private async writeChanges(): Promise<void> {
    this.gathering = undefined;
    const { fresh, gone } = this;
    this.fresh = [];
    this.gone = [];
    if (gone.length > 0) await this.release(gone);
    if (fresh.length > 0) await this.renew(fresh);
  }

  private async renew(sessions: readonly Session[]): Promise<void> {
    if (this.cache.status() !== 'up') return;
    try {
      if (!this.named) await this.cache.redis.set(gatewayKey(this.gateway), '1', 'PX', ttlMs);
      this.named = true;
      for (let at = 0; at < sessions.length; at += chunk) await this.hold(sessions.slice(at, at + chunk));
    } catch (error) {
      this.log.debug({ error }, 'presence not renewed; the next heartbeat says it again');
    }
  }

  private async hold(some: readonly Session[]): Promise<void> {
    const sessions = some.filter((session) => session.presence !== 'over');
    if (sessions.length === 0) return;
    for (const session of sessions) session.presence = 'told';
    const results = await this.cache.runMany(
      holdConnection,
      sessions.map((session) => ({
        key: presenceKey(session.tenant, session.device),
        gateway: this.gateway,
        epoch: session.connection,
        ttlMs,
        info: JSON.stringify({ since: session.connectedAt }),
      })),
    );
    const held = sessions.filter((session, i) => {
      const result = results[i];
      if (result === undefined || result instanceof CacheError) return false;
      if (!result.held && (result.other?.epoch ?? 0) > session.connection) this.onDisplaced(session);
      return result.held;
    });
    if (held.length === 0) return;
    const index = presenceIndexKey(this.gateway);
    const now = Date.now();
    const scores = held.flatMap((s) => [now, presenceMember(s.tenant, s.device)]);
    const replies = await this.cache.redis
      .pipeline()
      .zadd(index, ...scores)
      .pexpire(index, ttlMs)
      .exec();
    for (const [error] of replies ?? []) if (error !== null) throw error;
  }

  private async release(sessions: readonly Session[]): Promise<void> {
    if (this.cache.status() !== 'up') return;
    try {
      for (let at = 0; at < sessions.length; at += chunk) {
        const part = sessions.slice(at, at + chunk);
        await this.cache.runMany(
          releaseConnection,
          part.map((s) => ({ key: presenceKey(s.tenant, s.device), gateway: this.gateway, epoch: s.connection })),
        );
        const index = presenceIndexKey(this.gateway);
        await this.cache.redis.zrem(index, ...part.map((s) => presenceMember(s.tenant, s.device)));
      }
    } catch (error) {
      this.log.debug({ error }, 'presence not released; it ends by its time to live');
    }
  }
}
