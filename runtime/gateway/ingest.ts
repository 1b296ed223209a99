import type { TelemetryAttributes, UpdateAttributes } from '../contracts/bus.ts';
import { parseUpTopic, type UpTopic } from '../contracts/topics.ts';
import { MessageRefusedError, type OutgoingMessage } from '../platform/bus/publisher.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';
import type { InboundMessage } from './broker.ts';
import { topicOf } from './bus-routes.ts';
import type { DurableWrite } from './durable-write.ts';
import { maxPayloadBytes } from './frame-guard.ts';
import { isLogged, newMessageId } from './message-ids.ts';
import type { Counts } from './metrics.ts';
import type { EndReason, RefusalLabel, Session } from './session.ts';
import type { TenantUses } from './tenant-use.ts';
import { TokenBucket } from './token-bucket.ts';

type Done = (error: Error | null) => void;

/** QoS 2 packets of one connection that may wait for their PUBREL. */
const maxQos2Waiting = 1_000;

export type IngestOptions = {
  writes: DurableWrite;
  counts: Counts;
  ackSeconds: (seconds: number) => void;
  tracing: Tracing;
  log: Log;
  deviceMessagesPerSecond: number;
  processMessagesPerSecond: number;
  maxHeldBytes: number;
  tenants: Pick<TenantUses, 'of'>;
  /** The sender broke a rule: its connection ends. */
  onViolation(session: Session, end: EndReason, label: RefusalLabel, why: string): void;
  /** A message could not be made durable in time: the sender must send it again later. */
  onHeldTooLong(session: Session, error: Error): void;
};

/** From a PUBLISH to a durable message on the bus, and the answer to whether more may be read meanwhile. */
export class Ingest {
  private readonly options: IngestOptions;
  private readonly rate: TokenBucket;
  private overHeld = false;
  private readonly debug: boolean;

  constructor(options: IngestOptions) {
    this.options = options;
    this.rate = new TokenBucket(options.processMessagesPerSecond, Date.now());
    this.debug = options.log.isLevelEnabled('debug');
  }

  /** Back-pressure instead of loss: over a limit, bytes stay in the sockets. */
  mayRead(session: Session, now: number): boolean {
    const { heldBytes, overloaded } = this.options.writes;
    const most = this.options.maxHeldBytes;
    this.overHeld = heldBytes > (this.overHeld ? most * 0.8 : most);
    return (
      !this.overHeld &&
      !overloaded &&
      this.rate.clear(now) &&
      (session.rate?.clear(now) ?? true) &&
      (session.tenantUse?.mayRead(now) ?? true)
    );
  }

  publish(session: Session, packet: InboundMessage, done: Done): void {
    const now = Date.now();
    this.options.counts.received[packet.qos]++;
    this.rate.spend(now);
    session.rate ??= new TokenBucket(this.options.deviceMessagesPerSecond, now);
    session.rate.spend(now);
    session.tenantUse ??= this.options.tenants.of(session.tenant);
    session.tenantUse.took(now);
    const problem = this.problemOf(session, packet);
    if (problem !== undefined) {
      this.options.onViolation(session, problem.end, problem.label, problem.why);
      queueMicrotask(() => done(new Error(problem.why)));
    } else if (packet.qos === 2) this.publishOnce(session, packet, now, done);
    else this.store(session, packet, now, done);
  }

  private problemOf(session: Session, packet: InboundMessage) {
    if (packet.payload.length > maxPayloadBytes)
      return violation(
        'oversize',
        'oversize',
        `payload of ${packet.payload.length} bytes, allowed are ${maxPayloadBytes}`,
      );
    if (session.topic !== packet.topic || session.meaning === undefined) {
      session.topic = packet.topic;
      session.meaning = parseUpTopic(packet.topic);
    }
    const { meaning } = session;
    if (meaning.kind === 'refused') return violation('topic', 'topic', meaning.reason);
    if (meaning.deviceId !== session.device)
      return violation('topic', 'topic', 'a device publishes only below its own /devices/{id}/');
    if (!taken.has(meaning.kind))
      return violation('topic', 'topic', `${meaning.kind} is not taken yet; ${[...taken].join(', ')} are`);
    return undefined;
  }

  /** QoS 2: a packet id that is stored, or being stored, is not stored again before its PUBREL. */
  private publishOnce(session: Session, packet: InboundMessage, now: number, done: Done): void {
    session.qos2 ??= new Map();
    const window = session.qos2;
    const known = window.get(packet.messageId);
    if (known === 'stored') queueMicrotask(() => done(null));
    else if (known !== undefined) known.push(done);
    else if (window.size >= maxQos2Waiting) {
      const why = `${window.size} QoS 2 packets wait for their PUBREL, no more are taken`;
      this.options.onViolation(session, 'protocol', 'protocol', why);
      queueMicrotask(() => done(new Error(why)));
    } else {
      const waiting = [done];
      window.set(packet.messageId, waiting);
      this.store(session, packet, now, (error) => {
        if (error === null) window.set(packet.messageId, 'stored');
        else window.delete(packet.messageId);
        for (const each of waiting) each(error);
      });
    }
  }

  private store(session: Session, packet: InboundMessage, now: number, done: Done): void {
    const { writes, tracing, counts } = this.options;
    const id = newMessageId();
    const message: OutgoingMessage = { data: packet.payload, attributes: attributesOf(session, id, now) };
    const span = tracing.spanFor('gateway.receive', { trace: id });
    if (span !== undefined) message.attributes['traceparent'] = span.traceparent;
    const { qos } = packet;
    const began = performance.now();
    const finish = (error: Error | null) => {
      session.acks.end();
      span?.end(error ?? undefined);
      if (error === null) {
        if (qos > 0) {
          counts.acknowledged++;
          this.options.ackSeconds((performance.now() - began) / 1_000);
        }
        if (this.debug || isLogged(id)) this.logStored(session, message, id);
      }
      this.answer(session, qos, error, done);
    };
    session.acks.begin(topicOf(message.attributes), () => {
      if (qos === 0) writes.tryOnce(message, finish);
      else writes.write(message, session.budgetMs, finish);
    });
  }

  private answer(session: Session, qos: number, error: Error | null, done: Done): void {
    const { counts } = this.options;
    if (error === null) done(null);
    else if (error instanceof MessageRefusedError) {
      this.options.onViolation(session, 'refused', 'refused-by-bus', error.message);
      done(error);
    } else if (qos === 0) {
      // QoS 0 promises nothing, but the drop is counted and said.
      counts.refused.set('qos0-dropped', (counts.refused.get('qos0-dropped') ?? 0) + 1);
      done(null);
    } else {
      this.options.onHeldTooLong(session, error);
      done(error);
    }
  }

  private logStored(session: Session, message: OutgoingMessage, trace: string): void {
    const { tenant, device } = session;
    const level = isLogged(trace) ? 'info' : 'debug';
    this.options.log[level]({ trace, tenant, device, bytes: message.data.length }, 'message stored');
  }
}

const taken: ReadonlySet<string> = new Set<UpTopic['kind']>(['events', 'state', 'command-result']);

function attributesOf(session: Session, message: string, now: number): Record<string, string> {
  const meaning = session.meaning as UpTopic;
  const { tenant, device } = session;
  if (meaning.kind === 'events') {
    const attributes: Record<string, string> = {
      v: '1',
      tenant,
      device,
      kind: meaning.kind,
      message,
      received: String(now),
    } satisfies TelemetryAttributes;
    if (meaning.subfolder !== '') attributes['subfolder'] = meaning.subfolder;
    return attributes;
  }
  return {
    v: '1',
    tenant,
    device,
    kind: meaning.kind as UpdateAttributes['kind'],
    message,
    received: String(now),
    connection: String(session.connection),
    order: String(session.updates++),
    ...(meaning.kind === 'command-result' ? { command: meaning.command } : {}),
  } satisfies UpdateAttributes;
}

function violation(end: EndReason, label: RefusalLabel, why: string) {
  return { end, label, why };
}
