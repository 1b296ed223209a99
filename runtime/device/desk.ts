import { type CommandMessage, CommandName, type CommandResultMessage } from '../contracts/commands.ts';
import { downTopics, upTopics } from '../contracts/topics.ts';
import { type ConfigMessage, documentProblem, type TwinDocument } from '../contracts/twin.ts';
import type { Clock } from './clock.ts';
import type { Session } from './session.ts';

export type Command = { name: string } & CommandMessage;

export type DeskEvents = {
  onProblem(problem: string): void;
  /** Desired state: at each connection and at each change, whole. */
  onConfig?(config: ConfigMessage): void;
  /**
   * Does a command; what it returns, or resolves with, is its result. Throwing fails it with the message. Called once for
   * each command: one that comes again is answered again.
   */
  onCommand?(command: Command): unknown;
};

/** Commands remembered, so that one that comes again is not done again. */
const mostRemembered = 256;

type Outgoing = { topic: string; text: string };

/**
 * What goes between a device and the platform beside readings: the desired state and commands in, the reported state and
 * results out. The newest state and each result are kept in memory and sent on every connection until acknowledged.
 */
export function createDesk(id: string, events: DeskEvents, clock: Clock) {
  let session: Session | undefined;
  let state: Outgoing | undefined;
  let version = 0;
  const results = new Map<string, Outgoing>();
  /** By id: what it came to, or undefined while it is done. */
  const done = new Map<string, Outgoing | undefined>();
  let config = 0;

  function send(message: Outgoing, acknowledged: () => void): void {
    const through = session;
    through?.publish(message.topic, message.text, () => {
      if (through === session) acknowledged();
    });
  }

  function sendState(): void {
    const sent = state;
    if (sent === undefined) return;
    send(sent, () => {
      if (state === sent) state = undefined;
    });
  }

  function sendResult(commandId: string, message: Outgoing): void {
    results.set(commandId, message);
    send(message, () => {
      if (results.get(commandId) === message) results.delete(commandId);
    });
  }

  function takeConfig(payload: Buffer): void {
    const message = parse<ConfigMessage>(payload);
    if (message === undefined || documentProblem(message.desired) !== undefined || !Number.isInteger(message.version))
      events.onProblem(`${id}: a desired state that is none was ignored`);
    else if (message.version >= config) {
      // Otherwise overtaken by the newer one.
      config = message.version;
      events.onConfig?.(message);
    }
  }

  function takeCommand(name: string, payload: Buffer): void {
    const message = parse<CommandMessage>(payload);
    if (message === undefined || typeof message.id !== 'string' || !CommandName.safeParse(name).success) {
      events.onProblem(`${id}: a command that is none was ignored`);
      return;
    }
    if (done.has(message.id)) {
      const answer = done.get(message.id);
      if (answer !== undefined) sendResult(message.id, answer);
      return;
    }
    remember(message.id, undefined);
    void perform({ ...message, name }).then((outcome) => {
      const answer = { topic: upTopics.result(id, name), text: JSON.stringify(outcome) };
      remember(message.id, answer);
      sendResult(message.id, answer);
    });
  }

  async function perform(command: Command): Promise<CommandResultMessage> {
    try {
      const result = await events.onCommand?.(command);
      return { id: command.id, status: 'succeeded', ...(result === undefined ? {} : { result }) };
    } catch (error) {
      return { id: command.id, status: 'failed', result: error instanceof Error ? error.message : String(error) };
    }
  }

  function remember(commandId: string, answer: Outgoing | undefined): void {
    done.set(commandId, answer);
    for (const oldest of done.keys()) {
      if (done.size <= mostRemembered) break;
      done.delete(oldest);
      results.delete(oldest);
    }
  }

  return {
    subscriptions: [
      ...(events.onConfig === undefined ? [] : [downTopics.config(id)]),
      ...(events.onCommand === undefined ? [] : [downTopics.command(id, '#')]),
    ],
    /** @returns whether the topic is one of these. */
    received(topic: string, payload: Buffer): boolean {
      const commands = downTopics.command(id, '');
      if (topic === downTopics.config(id)) takeConfig(payload);
      else if (topic.startsWith(commands)) takeCommand(topic.slice(commands.length), payload);
      else return false;
      return true;
    },
    attach(opened: Session): void {
      session = opened;
      sendState();
      for (const [commandId, message] of [...results]) sendResult(commandId, message);
    },
    detach(): void {
      session = undefined;
    },
    /** @throws when the platform would refuse it */
    reportState(document: TwinDocument): void {
      const problem = documentProblem(document);
      if (problem !== undefined) throw new Error(`${id}: reported state refused: it ${problem}`);
      // Rises over restarts too, without a file: nothing is reported more often than once a millisecond for long.
      version = Math.max(version + 1, clock.now());
      state = { topic: upTopics.state(id), text: JSON.stringify({ version, reported: document }) };
      sendState();
    },
  };
}

function parse<T>(payload: Buffer): T | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
