import { telemetryBounds, type Values } from '../contracts/telemetry.ts';
import { upTopics } from '../contracts/topics.ts';
import type { TwinDocument } from '../contracts/twin.ts';
import { type BackoffBounds, defaultBackoff, fullJitter } from './backoff.ts';
import { type BufferBounds, type Buffered, createBuffer, defaultBounds } from './buffer.ts';
import { type Clock, systemClock } from './clock.ts';
import { createDesk, type DeskEvents } from './desk.ts';
import { openJournal } from './journal.ts';
import type { JwtLogin } from './jwt.ts';
import { type DeviceReading, encodeMessage, encodeReading, readingProblems } from './reading.ts';
import { jwtLogin, mutualTls, type OpenSession, type Session } from './session.ts';

/** What an application hears from its device. `onProblem` is required: what goes wrong must have somewhere to go. */
export type DeviceEvents = DeskEvents & {
  /** Something failed and is being dealt with (a refused connection, a damaged journal line); one sentence. */
  onProblem(problem: string): void;
  onConnect?(session: { resumed: boolean }): void;
  onDisconnect?(reason: string): void;
  /** The platform has this reading for good. */
  onAck?(reading: DeviceReading): void;
  /** The buffer was full and these were given up. */
  onDrop?(readings: readonly DeviceReading[]): void;
};

/** How a device shows who it is: by its private key and certificate with chain (PEM), or by JWTs of its own making. */
export type DeviceLogin = { key: string; cert: string; jwt?: undefined } | { jwt: JwtLogin };

export type DeviceOptions = DeviceEvents &
  DeviceLogin & {
    id: string;
    mqtt: { host: string; port: number; servername?: string };
    /** PEM of the CA it trusts for the gateway. */
    ca: string;
    buffer?: Partial<BufferBounds> & {
      /** File that keeps unacknowledged readings over restarts. Without it they live in memory. */
      file?: string;
      /** `always`: an fsync each reading, survives a power cut. `os` (default): survives the process. */
      sync?: 'always' | 'os';
    };
    /** Messages sent and not yet acknowledged. */
    window?: number;
    /** Readings a message, and how long an incomplete message may wait for more. Default: 1, each at once. */
    batch?: { readings: number; lingerMs: number };
    keepaliveSeconds?: number;
    connectTimeoutMs?: number;
    /** A message without PUBACK for this long ends the connection, so that it is sent again on another. */
    ackTimeoutMs?: number;
    backoff?: BackoffBounds;
    clock?: Clock;
    /** Numbers in [0, 1). */
    random?: () => number;
    /** How a connection is made; mutual TLS when not given. */
    open?: OpenSession;
  };

export type Device = {
  /** Connects, and keeps connecting until `stop`. */
  start(): void;
  /**
   * Takes a reading for delivery and returns it with its identity. It is sent until acknowledged, or given up by the
   * buffer's bounds (then `onDrop`).
   * @throws when the reading could only become a dead letter, when the file cannot be written, or after `stop`.
   */
  report(values: Values, at?: { ts?: number }): DeviceReading;
  /**
   * Reports the state of the device, whole. The newest is kept in memory and sent until the platform has it.
   * @throws when the platform would refuse it.
   */
  reportState(document: TwinDocument): void;
  /** Waits for acknowledgements for at most `drainMs`, disconnects. What is left stays in the file, if there is one. */
  stop(drainMs?: number): Promise<{ left: number }>;
  readonly connected: boolean;
  readonly stats: Readonly<DeviceStats>;
};

export type DeviceStats = {
  reported: number;
  acknowledged: number;
  dropped: number;
  /** Readings sent once more because their acknowledgement was lost with a connection. */
  resent: number;
  connects: number;
  resumed: number;
  waiting: number;
};

type Pending = Buffered & { reading: DeviceReading; sent: boolean };

/** A connection that lasted this long was a good one: the next wait begins at the base again. */
const steadyMs = 30_000;

/** A device: buffers readings, keeps one connection, and sends each reading until the platform has it. */
export function createDevice(options: DeviceOptions): Device {
  const { id, clock = systemClock, random = Math.random, window = 32, ackTimeoutMs = 60_000 } = options;
  const open =
    options.open ?? (options.jwt === undefined ? mutualTls(options) : jwtLogin({ ...options.jwt, ca: options.ca }));
  const batch = options.batch ?? { readings: 1, lingerMs: 0 };
  const buffer = createBuffer<Pending>({ ...defaultBounds, ...withoutUndefined(options.buffer) });
  const stats: DeviceStats = {
    reported: 0,
    acknowledged: 0,
    dropped: 0,
    resent: 0,
    connects: 0,
    resumed: 0,
    waiting: 0,
  };
  const file = options.buffer?.file;
  const journal = file === undefined ? undefined : openJournal(file, { sync: options.buffer?.sync ?? 'os' });
  // Without a journal the numbers begin at a microsecond clock, so that a restart never gives one out twice.
  let nextSeq = journal?.nextSeq ?? clock.now() * 1_000;
  let session: Session | undefined;
  let failures = 0;
  let openedAt = 0;
  let state: 'new' | 'running' | 'draining' | 'stopped' = 'new';
  const desk = createDesk(id, options, clock);
  let cancelRetry: (() => void) | undefined;
  let cancelLinger: (() => void) | undefined;
  let cancelAckTimer: (() => void) | undefined;
  let messagesInFlight = 0;
  let onDrained: (() => void) | undefined;

  if (journal !== undefined) {
    if (journal.damagedLines > 0)
      options.onProblem(`${id}: ${journal.damagedLines} damaged lines in ${file} were skipped`);
    for (const item of journal.recovered) {
      const reading = JSON.parse(item.text) as DeviceReading;
      giveUp(buffer.add({ ...item, reading, sent: true }));
    }
  }

  function giveUp(items: readonly Pending[]): void {
    if (items.length === 0) return;
    journal?.forget(items);
    stats.dropped += items.length;
    options.onDrop?.(items.map((item) => item.reading));
  }

  function connect(): void {
    if (state === 'stopped') return;
    let ended = false;
    const target = {
      ...options.mqtt,
      clientId: id,
      keepaliveSeconds: options.keepaliveSeconds ?? 60,
      timeoutMs: options.connectTimeoutMs ?? 20_000,
      subscriptions: desk.subscriptions,
    };
    const onEnd = (reason: string) => {
      ended = true;
      disconnected(reason);
    };
    open(target, { onMessage: received, onEnd }).then(
      (opened) => {
        if (ended) return;
        if (state === 'stopped') return opened.destroy('stopped');
        session = opened;
        openedAt = clock.now();
        stats.connects++;
        if (opened.resumed) stats.resumed++;
        options.onConnect?.({ resumed: opened.resumed });
        desk.attach(opened);
        send();
      },
      (error: unknown) => {
        options.onProblem(error instanceof Error ? error.message : String(error));
        retry();
      },
    );
  }

  function retry(): void {
    if (state === 'stopped') return;
    cancelRetry = clock.after(fullJitter(failures++, options.backoff ?? defaultBackoff, random), connect);
  }

  function disconnected(reason: string): void {
    if (session !== undefined && clock.now() - openedAt >= steadyMs) failures = 0;
    session = undefined;
    desk.detach();
    messagesInFlight = 0;
    cancelAckTimer?.();
    cancelAckTimer = undefined;
    buffer.giveBack();
    options.onDisconnect?.(reason);
    retry();
  }

  function received(topic: string, payload: Buffer): void {
    if (!desk.received(topic, payload)) options.onProblem(`${id}: message on the unexpected topic '${topic}'`);
  }

  /** Fills the window from the buffer. Called whenever a reading, a place in the window or a connection appears. */
  function send(partly = state !== 'running' || batch.lingerMs === 0): void {
    while (session !== undefined && messagesInFlight < window && buffer.waiting > 0) {
      if (buffer.waiting < batch.readings && !partly) {
        linger();
        return;
      }
      const items = buffer.take(batch.readings, telemetryBounds.payloadBytes - 2 - batch.readings);
      for (const item of items) {
        if (item.sent) stats.resent++;
        item.sent = true;
      }
      messagesInFlight++;
      watchAcks(session);
      const through = session;
      through.publish(upTopics.events(id), encodeMessage(items.map((item) => item.text)), () => {
        if (through === session) acknowledged(items);
      });
    }
  }

  function linger(): void {
    cancelLinger ??= clock.after(batch.lingerMs, () => {
      cancelLinger = undefined;
      send(true);
    });
  }

  function acknowledged(items: readonly Pending[]): void {
    messagesInFlight--;
    // Only now is the gateway known to work: one that accepts and then closes must not be met without a longer wait.
    failures = 0;
    cancelAckTimer?.();
    cancelAckTimer = undefined;
    if (messagesInFlight > 0 && session !== undefined) watchAcks(session);
    const done = buffer.acknowledge(items);
    journal?.forget(done);
    stats.acknowledged += done.length;
    if (options.onAck !== undefined) for (const item of done) options.onAck(item.reading);
    if (buffer.waiting + buffer.inFlight === 0) onDrained?.();
    else send();
  }

  /** One timer a connection: it is set anew by every acknowledgement, so it fires when none came for the whole time. */
  function watchAcks(watched: Session): void {
    cancelAckTimer ??= clock.after(ackTimeoutMs, () => {
      cancelAckTimer = undefined;
      watched.destroy(`no acknowledgement within ${ackTimeoutMs} ms`);
    });
  }

  return {
    start() {
      if (state !== 'new') throw new Error(`${id}: start is for a new device, this one is ${state}`);
      state = 'running';
      connect();
    },
    report(values, at = {}) {
      if (state === 'stopped' || state === 'draining') throw new Error(`${id}: report after stop`);
      const ts = at.ts ?? clock.now();
      const problems = readingProblems(values, ts);
      if (problems.length > 0) throw new Error(`${id}: reading refused: ${problems.join('; ')}`);
      const reading = { ts, seq: nextSeq++, values };
      const item = { seq: reading.seq, text: encodeReading(reading), reading, sent: false };
      journal?.append(item);
      stats.reported++;
      giveUp(buffer.add(item));
      send();
      return reading;
    },
    reportState: (document) => desk.reportState(document),
    async stop(drainMs = 5_000) {
      if (state === 'running' && buffer.waiting + buffer.inFlight > 0) {
        state = 'draining';
        let cancelDeadline: (() => void) | undefined;
        await new Promise<void>((resolve) => {
          onDrained = resolve;
          cancelDeadline = clock.after(drainMs, resolve);
          send();
        });
        cancelDeadline?.();
      }
      state = 'stopped';
      cancelRetry?.();
      cancelLinger?.();
      cancelAckTimer?.();
      const left = buffer.waiting + buffer.inFlight;
      if (left > 0) session?.destroy('stopped');
      else await session?.close();
      journal?.close();
      return { left };
    },
    get connected() {
      return session !== undefined;
    },
    get stats() {
      return { ...stats, waiting: buffer.waiting + buffer.inFlight };
    },
  };
}

function withoutUndefined<T extends object>(value: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, v]) => v !== undefined)) as Partial<T>;
}
