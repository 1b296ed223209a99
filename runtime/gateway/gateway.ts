import type { X509Certificate } from 'node:crypto';
import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import { defaultTenant, deviceIdPattern } from '../contracts/identifiers.ts';
import type { GatewaySettings } from '../contracts/settings/services.ts';
import { maySubscribe } from '../contracts/topics.ts';
import type { Publisher } from '../platform/bus/publisher.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { configChannel, identityChangedChannel } from '../platform/cache/keys.ts';
import { openServiceToken } from '../platform/identity/service-token.ts';
import type { HealthChecks } from '../platform/service/health.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';
import type { Identity } from '../platform/tls/device-certificate.ts';
import { admitted, decide } from './admission.ts';
import { Broker, type BrokerHandlers, type Connect } from './broker.ts';
import { type BusRoutes, routeBus } from './bus-routes.ts';
import { deviceOfClientId } from './client-identity.ts';
import { GatewayDeliveries } from './deliveries.ts';
import { listensTo } from './delivery.ts';
import { devicesCalls } from './devices-calls.ts';
import { drain } from './drain.ts';
import { DurableWrite } from './durable-write.ts';
import { FactoryRegistration } from './factory-registration.ts';
import { holdCapMs } from './hold-budget.ts';
import { IdentityFeed } from './identity-feed.ts';
import { Ingest } from './ingest.ts';
import { identifyByToken } from './jwt.ts';
import { credentialRefusal, type Effect } from './known-identities.ts';
import { Lifecycle } from './lifecycle.ts';
import { Listener, listenPlain } from './listener.ts';
import { type Counts, gatewayMetrics } from './metrics.ts';
import { Penalties } from './penalties.ts';
import { Presence } from './presence.ts';
import { QuietLog } from './quiet-log.ts';
import type { Ending } from './revocations.ts';
import { connackCode, type EndReason, type Refusal, type RefusalLabel, type Session } from './session.ts';
import type { SpillLog } from './spill-log.ts';
import { replaySpill, type SpillReplay } from './spill-replay.ts';
import { type Overdue, overdue } from './sweep.ts';
import { TenantQuotas } from './tenant-quotas.ts';
import { TenantUses } from './tenant-use.ts';
import { readTlsFiles, watchTlsFiles } from './tls-files.ts';
import { Trust } from './trust.ts';

export type Settings = Readonly<z.output<typeof GatewaySettings>>;

export type GatewayParts = {
  settings: Settings;
  log: Log;
  metrics: Registry;
  tracing: Tracing;
  /** Topic `telemetry`: acknowledged only after it has confirmed. */
  telemetry: Publisher;
  /** Topic `updates`: the same. */
  updates: Publisher;
  /** Topic `lifecycle`: best effort. */
  lifecycle: Publisher;
  cache: Cache | undefined;
  spill: SpillLog | undefined;
  /** For the TLS handshake, and again until CONNECT, milliseconds. */
  connectTimeoutMs?: number;
  /** Presence is renewed, identity changes and deliveries are asked for, this often, milliseconds. */
  intervals?: { presenceMs?: number; identityMs?: number; deliveriesMs?: number };
};

const defaultConnectTimeoutMs = 10_000;
const sweepMs = 1_000;
const maxSubscriptions = 16;

/** MQTT in, bus out; see README.md in this folder. Starts in the constructor's order, stops in the reverse one. */
export class Gateway {
  private readonly parts: GatewayParts;
  private readonly sessions = new Map<string, Session>();
  private readonly tenants = new TenantUses();
  private readonly penalties = new Penalties(Math.random);
  private readonly counts: Counts;
  private readonly quiet: QuietLog;
  private readonly bus: BusRoutes;
  private readonly writes: DurableWrite;
  private readonly ingest: Ingest;
  private readonly feed: IdentityFeed;
  private readonly registration: FactoryRegistration;
  private readonly quotas: TenantQuotas;
  private readonly events: Lifecycle;
  private readonly presence: Presence | undefined;
  private readonly replay: SpillReplay | undefined;
  private deliveries: GatewayDeliveries | undefined;
  private broker: Broker | undefined;
  private listener: Listener | undefined;
  private trust: Trust | undefined;
  private plain: Server | undefined;
  private readonly endings: (() => void)[] = [];
  private draining = false;
  private lastConnection = 0;
  private lastSweep = Date.now();

  constructor(parts: GatewayParts) {
    this.parts = parts;
    const { settings, log, cache, spill } = parts;
    const metrics = gatewayMetrics(parts.metrics, {
      connections: () => this.sessions.size,
      heldMessages: () => this.writes.heldMessages,
      heldBytes: () => this.writes.heldBytes,
      spillBacklog: () => spill?.backlog ?? 0,
      spillRefused: () => spill?.refused.messages ?? 0,
      pausedConnections: () => this.broker?.paused ?? 0,
      handshakesInProgress: () => this.listener?.handshakes.inProgress ?? 0,
      handshakesWaiting: () => this.listener?.handshakes.waiting ?? 0,
      sourceAddresses: () => this.listener?.handshakes.addresses ?? 0,
      busUp: () => (parts.telemetry.state === 'up' ? 1 : 0),
      identityVersion: () => this.feed.version,
      identityAgeSeconds: () => (Date.now() - this.feed.lastAnswerAt) / 1_000,
      throttledTenants: () => this.tenants.throttled(Date.now()),
      throttledSeconds: () => this.tenants.throttledMs(Date.now()) / 1_000,
    });
    this.counts = metrics.counts;
    this.quiet = new QuietLog(log);
    this.bus = routeBus(parts.telemetry, parts.updates);
    this.writes = new DurableWrite(this.bus, spill && countingSpill(spill, this.counts));
    this.ingest = new Ingest({
      writes: this.writes,
      counts: this.counts,
      ackSeconds: metrics.ack,
      tracing: parts.tracing,
      log,
      deviceMessagesPerSecond: settings.IOT_DEVICE_MESSAGES_PER_SECOND,
      processMessagesPerSecond: settings.IOT_PROCESS_MESSAGES_PER_SECOND,
      maxHeldBytes: settings.IOT_MAX_HELD_BYTES,
      tenants: this.tenants,
      onViolation: (session, end, label, why) => this.violated(session, end, label, why),
      onHeldTooLong: (session, error) => this.heldTooLong(session, error),
    });
    const identity = openServiceToken(settings.IOT_IDENTITY_DIR, 'devices');
    this.feed = new IdentityFeed({
      devicesUrl: settings.IOT_DEVICES_URL,
      identity,
      folder: settings.IOT_STATE_DIR,
      pollMs: parts.intervals?.identityMs,
      log,
      onEnding: (endings) => this.endRevoked(endings),
      onCredentials: (effect) => this.credentialsChanged(effect),
    });
    this.registration = new FactoryRegistration(settings.IOT_DEVICES_URL, identity);
    this.quotas = new TenantQuotas({
      devicesUrl: settings.IOT_DEVICES_URL,
      identity,
      gateway: settings.IOT_INSTANCE,
      uses: this.tenants,
      sessions: () => this.sessions.values(),
      log,
    });
    this.events = new Lifecycle(parts.lifecycle, log);
    this.replay = spill && replaySpill(spill, this.bus, log);
    this.presence =
      cache &&
      new Presence({
        cache,
        gateway: settings.IOT_INSTANCE,
        heartbeatMs: parts.intervals?.presenceMs,
        sessions: () => this.sessions.values(),
        onDisplaced: (session) => this.broker?.close(session, 'takeover'),
        log,
      });
  }

  /** Opens the ports last: whoever comes in finds everything there. @throws when TLS files or a port cannot be used. */
  async start(): Promise<void> {
    const { settings, log, cache } = this.parts;
    const { connectTimeoutMs = defaultConnectTimeoutMs } = this.parts;
    this.broker = await Broker.create(this.handlers(), { connectTimeoutMs });
    await this.feed.start();
    this.quotas.start();
    if (cache !== undefined)
      this.endings.push(
        cache.subscribe(identityChangedChannel(), {
          onMessage: () => void this.feed.pollNow(),
          onStanding: () => void this.feed.pollNow(),
        }),
      );
    this.deliveries = this.startDeliveries(this.broker);
    const sweeper = setInterval(() => this.sweep(), sweepMs);
    this.endings.push(() => clearInterval(sweeper));
    await this.listen();
    this.endings.push(
      watchTlsFiles(settings.IOT_TLS_DIR, log, (files) => {
        this.trust?.useFiles(files);
        this.reloadTrust();
      }),
    );
  }

  readonly health: HealthChecks = {
    live: () => Date.now() - this.lastSweep < 15_000 && this.writes.oldestMs() < holdCapMs + 10_000,
    notReady: () => [
      ...(this.listener === undefined ? ['listener'] : []),
      ...(this.feed.ready ? [] : ['identities']),
      ...(this.draining ? ['draining'] : []),
    ],
  };

  /** Ends sessions one after the other, then sends what is held. */
  async stop(): Promise<void> {
    const { settings, log, spill } = this.parts;
    this.draining = true;
    this.listener?.stopAccepting();
    this.plain?.close();
    await drain({
      sessions: () => this.sessions.values(),
      close: (session) => this.broker?.close(session, 'drain', true),
      seconds: settings.IOT_DRAIN_SECONDS,
      heldCapMs: holdCapMs,
      random: Math.random,
    });
    for (const end of this.endings.splice(0)) end();
    await this.broker?.stop();
    this.listener?.destroyAll();
    await this.replay?.stop();
    await this.bus.stop();
    this.writes.stop();
    await spill?.close();
    await Promise.all([
      this.deliveries?.stop(),
      this.presence?.stop(),
      this.events.stop(2_000),
      this.feed.stop(),
      this.quotas.stop(),
    ]);
    log.info({ held: this.writes.heldMessages }, 'gateway drained');
  }

  /** Sends to a device connected here. @returns false when it is not, or does not listen to the topic. */
  send(tenant: string, device: string, topic: string, payload: Buffer, qos: 0 | 1): boolean {
    const session = this.sessions.get(`${tenant}/${device}`);
    return session !== undefined && (this.broker?.send(session, topic, payload, qos, () => undefined) ?? -1) >= 0;
  }

  private startDeliveries(broker: Broker): GatewayDeliveries {
    const { settings, log, cache } = this.parts;
    const deliveries = new GatewayDeliveries({
      gateway: settings.IOT_INSTANCE,
      calls: devicesCalls(settings.IOT_DEVICES_URL, openServiceToken(settings.IOT_IDENTITY_DIR, 'devices')),
      sessions: this.sessions,
      listens: (session) => listensTo(broker.filters(session), session.device),
      send: (session, topic, payload, onConfirmed) => broker.send(session, topic, payload, 1, onConfirmed),
      counts: this.counts.deliveries,
      log,
      pollMs: this.parts.intervals?.deliveriesMs,
    });
    if (cache !== undefined)
      this.endings.push(
        cache.subscribe(configChannel(settings.IOT_INSTANCE), {
          onMessage: (message) => deliveries.told(namesIn(message)),
          onStanding: () => void deliveries.pollNow(),
        }),
      );
    return deliveries;
  }

  /** Tells what tenants sent and hears their shares now; by itself each five seconds. */
  tellUsage(): Promise<void> {
    return this.quotas.tellNow();
  }

  private async listen(): Promise<void> {
    const { settings } = this.parts;
    this.trust = new Trust(await readTlsFiles(settings.IOT_TLS_DIR));
    this.trust.useFactories(this.feed.known.authorities.values());
    const listener = new Listener(
      this.trust.context,
      {
        maxConnections: settings.IOT_MAX_CONNECTIONS,
        perSecond: settings.IOT_HANDSHAKES_PER_SECOND,
        inProgress: settings.IOT_HANDSHAKES_IN_PROGRESS,
        inProgressPerAddress: settings.IOT_HANDSHAKES_PER_ADDRESS,
        connectionsPerSecondPerAddress: settings.IOT_CONNECTIONS_PER_SECOND_PER_ADDRESS,
        handshakeTimeoutMs: this.parts.connectTimeoutMs ?? defaultConnectTimeoutMs,
      },
      {
        onConnection: (socket) => this.secured(socket),
        onFailed: (error, address) => {
          this.counts.handshakes.failed++;
          this.quiet.warn('handshake', { error: error.message, address }, 'TLS handshake failed');
        },
        onTurnedAway: (why, address) => this.refused(why, { address }, 'connection turned away before TLS'),
      },
    );
    await listener.listen(settings.IOT_MQTT_PORT, settings.IOT_BIND);
    this.listener = listener;
    const plainPort = settings.IOT_MQTT_PLAIN_PORT;
    if (plainPort !== undefined)
      this.plain = await listenPlain(plainPort, settings.IOT_BIND, (socket) => {
        const session = this.broker?.accept(socket, undefined);
        if (session !== undefined) session.plain = true;
      });
  }

  private secured(socket: TLSSocket): void {
    const leaf = socket.getPeerX509Certificate();
    const identity = leaf === undefined ? this.withoutCertificate() : this.presented(socket, leaf);
    if (identity !== undefined && 'refused' in identity) {
      this.counts.handshakes.refused++;
      this.refused('identity', { address: socket.remoteAddress, why: identity.refused }, 'certificate refused');
      socket.on('error', () => socket.destroy()).destroy();
      return;
    }
    this.counts.handshakes[socket.isSessionReused() ? 'resumed' : 'full']++;
    const session = this.broker?.accept(socket, identity);
    if (session === undefined || identity?.factory === undefined) return;
    if (!this.isRegistered(identity)) session.certificate = leaf?.toString();
  }

  /** Who a certificate stands for. `authorized` is what OpenSSL said of its chain, for a resumed session the first time. */
  private presented(socket: TLSSocket, leaf: X509Certificate): Identity | { refused: string } {
    if (!socket.authorized)
      return { refused: `the certificate's chain is not good: ${String(socket.authorizationError)}` };
    return this.trust?.identify(leaf, Date.now()) ?? { refused: 'the gateway is not open yet' };
  }

  private withoutCertificate(): undefined | { refused: string } {
    return this.feed.known.access.size > 0 ? undefined : { refused: 'no client certificate' };
  }

  private isRegistered({ serial = '', tenant, device }: Identity): boolean {
    return this.feed.known.certificates.get(serial)?.device === `${tenant}/${device}`;
  }

  private handlers(): BrokerHandlers {
    return {
      admit: (session, connect) => this.admit(session, connect),
      connected: (session) => this.connected(session),
      ended: (session, reason) => this.ended(session, reason),
      publish: (session, message, done) => this.ingest.publish(session, message, done),
      mayRead: (session, now) => this.ingest.mayRead(session, now),
      subscribed: (session, filters) => this.deliveries?.subscribed(session, listensTo(filters, session.device).config),
      maySubscribe: (session, filter, subscriptions) => this.maySubscribe(session, filter, subscriptions),
      failed: (session, reason, why) => this.failed(session, reason, why),
    };
  }

  private admit(session: Session, connect: Connect): Refusal | undefined | Promise<Refusal | undefined> {
    const identity = session.plain ? plainIdentity(connect.clientId) : session.identity;
    if (identity === undefined && session.plain)
      return this.refuse(session, { code: 2, label: 'client-id', reason: 'the MQTT client id is no device id' });
    if (identity === undefined) return this.admitByToken(session, connect);
    if (session.certificate !== undefined) return this.admitByFactory(session, identity, session.certificate, connect);
    return this.admitAs(session, identity, connect);
  }

  /** Without a certificate: the password is a JWT. */
  private async admitByToken(session: Session, connect: Connect): Promise<Refusal | undefined> {
    const device = deviceOfClientId(connect.clientId);
    const identity = await identifyByToken(this.feed.known, device, connect.password, Date.now());
    if (!('refused' in identity)) return this.admitAs(session, identity, connect);
    const reason = `${device}: ${identity.refused}`;
    return this.refuse(session, { code: connackCode.credentials, label: 'jwt', reason });
  }

  /** The first time that a maker's certificate is seen anywhere; from then on every gateway knows it. */
  private async admitByFactory(session: Session, identity: Identity, certificate: string, connect: Connect) {
    const done = await this.registration.register(certificate);
    if (done === 'away')
      return this.refuse(
        session,
        { code: connackCode.unavailable, label: 'not-ready', reason: 'the devices service does not answer' },
        identity,
      );
    if (done !== 'registered') {
      const { code, label } = { code: connackCode.notAuthorized, label: 'identity' as const };
      return this.refuse(session, { code, label, reason: done.refused }, identity);
    }
    session.certificate = undefined;
    void this.feed.pollNow();
    return this.admitAs(session, identity, connect);
  }

  private admitAs(session: Session, identity: Identity, connect: Connect): Refusal | undefined {
    session.identity = identity;
    const refusal = decide(identity, connect.clientId, {
      draining: this.draining,
      refusal: (who) => this.refusalOf(who),
      identitiesReady: this.feed.ready,
      penalties: this.penalties,
      now: Date.now(),
    });
    if (refusal !== undefined) return this.refuse(session, refusal, identity);
    this.lastConnection = Math.max(this.lastConnection + 1, Date.now());
    admitted(session, identity, connect.keepaliveSeconds, this.lastConnection, this.parts.settings);
    const before = this.sessions.get(session.name);
    if (before !== undefined) before.endReason ??= 'takeover'; // aedes closes it when it registers the new one
    return undefined;
  }

  private refuse(session: Session, refusal: Refusal, identity?: Identity): Refusal {
    session.endReason = 'refused';
    this.refused(
      refusal.label,
      { tenant: identity?.tenant, device: identity?.device, why: refusal.reason },
      'CONNECT refused',
    );
    return refusal;
  }

  private connected(session: Session): void {
    this.sessions.set(session.name, session);
    // Blocked between CONNECT and here: the change found no session to end.
    if (session.identity !== undefined && this.refusalOf(session.identity) !== undefined) {
      setImmediate(() => this.broker?.close(session, 'revoked'));
    }
    this.event(session, 'connected');
    this.presence?.connected(session);
    this.parts.log.debug({ device: session.name, connection: session.connection }, 'connected');
  }

  private ended(session: Session, reason: EndReason): void {
    if (this.sessions.get(session.name) === session) this.sessions.delete(session.name);
    this.event(session, 'disconnected', reason);
    this.presence?.ended(session);
    this.parts.log.debug({ device: session.name, connection: session.connection, reason }, 'disconnected');
  }

  private event(session: Session, event: 'connected' | 'disconnected', reason?: EndReason): void {
    const { tenant, device, connection } = session;
    const at = Date.now();
    const gateway = this.parts.settings.IOT_INSTANCE;
    this.events.add({
      v: 1,
      tenant,
      device,
      event,
      at,
      gateway,
      connection,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  private maySubscribe(session: Session, filter: string, subscriptions: number): boolean {
    const why =
      subscriptions >= maxSubscriptions
        ? `a device has at most ${maxSubscriptions} subscriptions`
        : 'a device subscribes only below its own /devices/{id}/';
    const allowed = subscriptions < maxSubscriptions && maySubscribe(session.device, filter);
    if (!allowed) this.refused('subscription', { device: session.name, why }, 'subscription refused');
    return allowed;
  }

  private violated(session: Session, end: EndReason, label: RefusalLabel, why: string): void {
    if (session.violated) return;
    session.violated = true;
    session.endReason ??= end;
    const waitMs = session.name === '' ? 0 : this.penalties.strike(session.name, Date.now());
    this.refused(label, { device: session.name, why, waitMs }, 'connection ended for a violation');
  }

  private failed(session: Session, reason: EndReason, why: string): void {
    if (reason === 'refused') this.refused('mqtt5', { why }, 'CONNECT refused');
    else this.violated(session, reason, reason === 'oversize' || reason === 'slow' ? reason : 'protocol', why);
  }

  private heldTooLong(session: Session, error: Error): void {
    session.endReason ??= 'bus-away';
    const waitMs = this.penalties.defer(session.name, Date.now());
    this.refused(
      'bus-away',
      { device: session.name, why: error.message, waitMs },
      'connection ended, message not stored',
    );
  }

  private refused(label: RefusalLabel, fields: Record<string, unknown>, text: string): void {
    this.counts.refused.set(label, (this.counts.refused.get(label) ?? 0) + 1);
    this.quiet.warn(label, fields, text);
  }

  private refusalOf(identity: Identity): string | undefined {
    return (
      this.feed.refusal(`${identity.tenant}/${identity.device}`, identity.serial) ??
      credentialRefusal(this.feed.known, identity, Date.now())
    );
  }

  /** Keys, factory CAs or what a tenant allows have changed: who could not come in any more goes. */
  private credentialsChanged(effect: Effect): void {
    if (effect === 'trust') {
      this.trust?.useFactories(this.feed.known.authorities.values());
      this.reloadTrust();
    }
    for (const session of this.sessions.values()) {
      const { identity, name } = session;
      if (identity === undefined || (identity.factory === undefined && identity.key === undefined)) continue;
      const why = credentialRefusal(this.feed.known, identity, Date.now());
      if (why === undefined) continue;
      this.parts.log.info({ device: name, why }, 'session ended: what let it in is gone');
      this.broker?.close(session, 'revoked');
    }
  }

  private reloadTrust(): void {
    if (this.trust !== undefined) this.listener?.reload(this.trust.context);
  }

  private endRevoked(endings: readonly Ending[]): void {
    for (const { device, serial } of endings) {
      const session = this.sessions.get(device);
      if (session === undefined || (serial !== undefined && session.identity?.serial !== serial)) continue;
      this.parts.log.info({ device, serial }, 'session ended: blocked or revoked');
      this.broker?.close(session, 'revoked');
    }
  }

  private sweep(): void {
    this.lastSweep = Date.now();
    for (const session of this.sessions.values()) {
      const late: Overdue | undefined = overdue(session, this.lastSweep);
      if (late === undefined) continue;
      if (late.reason === 'slow') this.violated(session, 'slow', 'slow', late.why);
      this.broker?.close(session, late.reason);
    }
  }
}

/** Of a word on Redis: a JSON array of `tenant/device`. Anything else says nothing; the list of changes does. */
function namesIn(message: string): string[] {
  try {
    const names: unknown = JSON.parse(message);
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** On the plain port the client id alone says who it is; benchmarks on loopback only (see GatewaySettings). */
function plainIdentity(clientId: string): Identity | undefined {
  const device = deviceOfClientId(clientId);
  return deviceIdPattern.test(device) ? { tenant: defaultTenant, device, serial: undefined } : undefined;
}

function countingSpill(spill: SpillLog, counts: Counts) {
  return {
    append: (message: Parameters<SpillLog['append']>[0], done: (error: Error | null) => void) =>
      spill.append(message, (error) => {
        if (error === null) counts.spilled++;
        done(error);
      }),
  };
}
