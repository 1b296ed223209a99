import type { CommandMessage } from '../contracts/commands.ts';
import { type DeliveriesReceived, type Delivery, type DeliveryAsk, deliveryBounds } from '../contracts/deliveries.ts';
import { downTopics } from '../contracts/topics.ts';
import type { Log } from '../platform/service/log.ts';
import { answered, type DeliveryState, newDeliveryState, overdue, resendMs, room, want } from './delivery-state.ts';
import type { DevicesCalls } from './devices-calls.ts';
import type { Session } from './session.ts';

export type DeliveryOptions = {
  gateway: string;
  calls: DevicesCalls;
  sessions: { values(): Iterable<Session>; get(name: string): Session | undefined };
  /** What the session subscribes to. */
  listens(session: Session): { config: boolean; commands: boolean };
  /** @returns the QoS at which it goes to the device; -1: it does not listen to the topic, or reads too slowly. */
  send(session: Session, topic: string, payload: Buffer, onConfirmed: () => void): -1 | 0 | 1;
  counts: { config: number; commands: number; confirmed: number };
  log: Log;
  /** Changes are asked for this often, milliseconds. */
  pollMs?: number | undefined;
};

const defaultPollMs = 2_000;
/** Who comes within it is asked for together. */
const gatherMs = 20;
const requestsAtOnce = 4;
const sweepMs = 5_000;
const mostUntold = 20_000;

/**
 * Desired states and commands on their last leg: fetched from the devices service for the devices connected here, at each
 * subscription, at a word on Redis, and whenever the list of changes, asked for every two seconds, names one. So Redis
 * only makes it sooner. What a device gets is decided there; here is one request at a time for each session, which keeps
 * the order of its commands.
 */
export class GatewayDeliveries {
  private readonly options: DeliveryOptions;
  private readonly queue = new Set<Session>();
  private untold: DeliveriesReceived['commands'] = [];
  private requests = 0;
  private version: number | undefined;
  private away = false;
  private polling: Promise<void> | undefined;
  private telling: Promise<void> | undefined;
  private gathering: NodeJS.Timeout | undefined;
  private readonly timers: NodeJS.Timeout[];
  private stopped = false;

  constructor(options: DeliveryOptions) {
    this.options = options;
    this.timers = [
      setInterval(() => void this.pollNow(), options.pollMs ?? defaultPollMs),
      setInterval(() => this.sweep(), sweepMs),
    ];
    for (const timer of this.timers) timer.unref();
    void this.pollNow();
  }

  /** It has subscribed to something: like a retained message, the desired state is sent at each subscription to it. */
  subscribed(session: Session, config: boolean): void {
    if (config) this.stateOf(session).config = 0;
    this.want(session);
  }

  /** A word that these devices, `tenant/device`, have something to fetch. */
  told(names: readonly string[]): void {
    for (const name of names) {
      const session = this.options.sessions.get(name);
      if (session !== undefined) this.want(session);
    }
  }

  /** Reads the list of changes; a call while one runs joins it. */
  pollNow(): Promise<void> {
    this.polling ??= this.poll().finally(() => {
      this.polling = undefined;
    });
    return this.polling;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    clearTimeout(this.gathering);
    await this.polling;
    this.tell();
    await this.telling;
  }

  private stateOf(session: Session): DeliveryState {
    session.delivery ??= newDeliveryState();
    return session.delivery;
  }

  private want(session: Session): void {
    const { config, commands } = this.options.listens(session);
    if (!config && !commands) return;
    if (want(this.stateOf(session))) this.enqueue(session);
  }

  private enqueue(session: Session): void {
    this.queue.add(session);
    this.gatherFor(gatherMs);
  }

  private gatherFor(ms: number): void {
    if (this.stopped) return;
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      while (this.queue.size > 0 && this.requests < requestsAtOnce) void this.ask();
    }, ms).unref();
  }

  /** One request for the next devices in the queue. */
  private async ask(): Promise<void> {
    const { gateway, calls } = this.options;
    const sessions: Session[] = [];
    const devices: DeliveryAsk[] = [];
    for (const session of this.queue) {
      this.queue.delete(session);
      if (this.isOver(session)) continue;
      sessions.push(session);
      devices.push(this.askFor(session));
      if (sessions.length >= deliveryBounds.devices) break;
    }
    if (sessions.length === 0) return;
    this.requests++;
    let again = gatherMs;
    try {
      const answer = await calls.pull({ gateway, devices });
      for (const [i, session] of sessions.entries()) this.take(session, answer.devices[i]);
      this.back();
    } catch (error) {
      this.failed(error);
      again = 500 + Math.random() * 1_000;
      for (const session of sessions) {
        this.stateOf(session).phase = 'wanted';
        this.queue.add(session);
      }
    } finally {
      this.requests--;
    }
    if (this.queue.size > 0) this.gatherFor(again);
  }

  private isOver(session: Session): boolean {
    return this.options.sessions.get(session.name) !== session;
  }

  private askFor(session: Session): DeliveryAsk {
    const state = this.stateOf(session);
    state.phase = 'asked';
    const { config, commands } = this.options.listens(session);
    const { tenant, device, connection } = session;
    return { tenant, device, connection, config: config ? state.config : null, commands: commands ? room(state) : 0 };
  }

  private take(session: Session, delivery: Delivery | undefined): void {
    if (this.isOver(session) || delivery === undefined) return;
    const state = this.stateOf(session);
    if (delivery.config !== null && delivery.config.version > state.config)
      this.sendConfig(session, state, delivery.config);
    for (const command of delivery.commands) this.sendCommand(session, state, command);
    if ((delivery.more && room(state) > 0) || delivery.later) want(state);
    if (answered(state)) this.enqueue(session);
  }

  private sendConfig(session: Session, state: DeliveryState, config: NonNullable<Delivery['config']>): void {
    const payload = Buffer.from(JSON.stringify(config));
    const qos = this.options.send(session, downTopics.config(session.device), payload, () => undefined);
    if (qos < 0) {
      state.retryAt ||= Date.now() + resendMs;
      return;
    }
    state.config = config.version;
    this.options.counts.config++;
  }

  private sendCommand(session: Session, state: DeliveryState, command: Delivery['commands'][number]): void {
    const { id, name, deadline, payload } = command;
    const message: CommandMessage = { id, deadline, payload };
    const topic = downTopics.command(session.device, name);
    const qos = this.options.send(session, topic, Buffer.from(JSON.stringify(message)), () =>
      this.confirmed(session, id),
    );
    if (qos < 0) {
      state.retryAt ||= Date.now() + resendMs;
      return;
    }
    this.options.counts.commands++;
    if (qos === 1) state.inFlight.set(id, Date.now());
  }

  private confirmed(session: Session, id: string): void {
    const state = this.stateOf(session);
    this.options.counts.confirmed++;
    const full = room(state) === 0;
    state.inFlight.delete(id);
    if (this.untold.length < mostUntold) this.untold.push({ tenant: session.tenant, device: session.device, id });
    this.telling ??= new Promise<void>((resolve) => setTimeout(resolve, gatherMs)).then(() => this.tellAll());
    if (full) this.want(session);
  }

  private tell(): void {
    if (this.untold.length > 0) this.telling ??= this.tellAll();
  }

  /** That it was not told loses nothing: the command is sent again, and its device knows it by its id. */
  private async tellAll(): Promise<void> {
    try {
      while (this.untold.length > 0) {
        const commands = this.untold.slice(0, deliveryBounds.received);
        await this.options.calls.received({ commands });
        this.untold.splice(0, commands.length);
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.telling = undefined;
    }
  }

  private async poll(): Promise<void> {
    try {
      for (let more = true; more && !this.stopped; ) {
        const before = this.version;
        const answer = await this.options.calls.changes(before);
        this.version = answer.version;
        more = answer.more;
        // At the start, after a long absence, or when the list has begun anew: who is connected may have missed something.
        if (before === undefined || !answer.complete)
          for (const session of this.options.sessions.values()) this.want(session);
        else this.told(answer.changes.map(({ tenant, device }) => `${tenant}/${device}`));
      }
      this.back();
    } catch (error) {
      this.failed(error);
    }
  }

  private sweep(): void {
    const now = Date.now();
    for (const session of this.options.sessions.values())
      if (session.delivery !== undefined && overdue(session.delivery, now)) this.want(session);
    this.tell();
  }

  private failed(error: unknown): void {
    if (!this.away && !this.stopped)
      this.options.log.warn({ error }, 'deliveries are not fetched; they wait in the devices service');
    this.away = true;
  }

  private back(): void {
    if (this.away) this.options.log.info({ waiting: this.queue.size }, 'deliveries are fetched again');
    this.away = false;
  }
}
