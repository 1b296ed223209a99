import { type Channels, type Listener, type SubscriptionKind, subscriptionCount } from './channels.ts';
import { arityFits, type DataCommand, wrongArity } from './commands/command.ts';
import { dataCommands } from './commands/data.ts';
import {
  auth,
  type ClientFacts,
  clientCommand,
  commandCommand,
  helloReply,
  selectDatabase,
} from './commands/server.ts';
import type { Keyspace } from './keyspace.ts';
import { CommandError, encodeReply, nullArray, ok, type Reply, Status } from './resp.ts';
import { type Scripts, toScriptValue } from './scripts.ts';

/** What all sessions share. */
export type Engine = {
  keys: Keyspace;
  channels: Channels;
  scripts: Scripts;
  bounds: SessionBounds;
  /** Text of INFO. */
  info: () => string;
  /** Told of a fault of ours; the client gets a general error. */
  onFault: (error: unknown, command: string) => void;
};

export type SessionBounds = {
  /** Estimated bytes of all data; at or above it growing commands are refused. */
  memoryBytes: number;
  /** Commands between MULTI and EXEC. */
  queuedCommands: number;
  /** Channels and patterns of one client. */
  subscriptions: number;
};

/** One client: takes commands, gives encoded replies. No socket. */
export type Session = {
  /** @returns the encoded reply. */
  execute: (command: readonly string[]) => string;
  /** After QUIT: send what is there, then close. */
  quitting: () => boolean;
  end: () => void;
};

/** Already encoded: one command may give several replies (SUBSCRIBE). */
type Encoded = { encoded: string };
type SessionCommand = { arity: number; run: (args: readonly string[]) => Reply | Encoded };

const allowedWhileSubscribed = new Set(['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'PING', 'QUIT']);
const notQueued = new Set(['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'QUIT']);
const notInMulti = new Set(['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE']);

export function createSession(engine: Engine, id: number, deliver: (text: string) => void): Session {
  const { keys, channels, scripts, bounds } = engine;
  const listener: Listener = { deliver, channels: new Set(), patterns: new Set() };
  const client: ClientFacts = { id, name: '' };
  let queued: (readonly string[])[] | null = null;
  let queueBroken = false;
  let watches: (() => void)[] = [];
  let watchedKeys: string[] = [];
  let watchedChanged = false;
  let quitting = false;

  const commands: Record<string, SessionCommand> = {
    PING: { arity: -1, run: ping },
    ECHO: { arity: 2, run: ([text = '']) => text },
    QUIT: { arity: -1, run: quit },
    AUTH: { arity: -2, run: auth },
    SELECT: { arity: 2, run: selectDatabase },
    HELLO: { arity: -1, run: (args) => helloReply(args, client) },
    CLIENT: { arity: -2, run: (args) => clientCommand(args, client) },
    INFO: { arity: -1, run: engine.info },
    COMMAND: { arity: -1, run: (args) => commandCommand(args, { ...commands, ...dataCommands }) },
    MULTI: { arity: 1, run: multi },
    EXEC: { arity: 1, run: exec },
    DISCARD: { arity: 1, run: discard },
    WATCH: { arity: -2, run: watch },
    UNWATCH: { arity: 1, run: unwatch },
    PUBLISH: { arity: 3, run: ([channel = '', message = '']) => channels.publish(channel, message) },
    SUBSCRIBE: { arity: -2, run: (names) => subscribe('channels', names) },
    PSUBSCRIBE: { arity: -2, run: (names) => subscribe('patterns', names) },
    UNSUBSCRIBE: { arity: -1, run: (names) => ({ encoded: channels.unsubscribe(listener, 'channels', names) }) },
    PUNSUBSCRIBE: { arity: -1, run: (names) => ({ encoded: channels.unsubscribe(listener, 'patterns', names) }) },
    SCRIPT: { arity: -2, run: scripts.manage },
    EVAL: { arity: -3, run: ([lua = '', ...args]) => scripts.evaluate(lua, scriptCall, args) },
    EVALSHA: { arity: -3, run: ([sha = '', ...args]) => scripts.evaluateLoaded(sha, scriptCall, args) },
  };

  function execute(command: readonly string[]): string {
    const reply = attempt(command, take);
    return isEncoded(reply) ? reply.encoded : encodeReply(reply);
  }

  function attempt<R>(command: readonly string[], run: (command: readonly string[]) => R): R | CommandError {
    try {
      return run(command);
    } catch (error) {
      if (error instanceof CommandError) return error;
      engine.onFault(error, command[0] ?? '');
      return new CommandError('ERR internal fault of the stand-in, see its log');
    }
  }

  function take(command: readonly string[]): Reply | Encoded {
    const upper = (command[0] ?? '').toUpperCase();
    if (queued !== null && !notQueued.has(upper)) return enqueue(queued, upper, command);
    if (subscriptionCount(listener) > 0 && !allowedWhileSubscribed.has(upper))
      throw new CommandError(
        `ERR Can't execute '${upper.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    return run(command);
  }

  function run(command: readonly string[]): Reply | Encoded {
    const [name = '', ...args] = command;
    const upper = name.toUpperCase();
    const data = dataCommands[upper];
    if (data === undefined) return known(commands[upper], name, command.length).run(args);
    return runData(known(data, name, command.length), args);
  }

  function runData(command: DataCommand, args: readonly string[]): Reply {
    if (command.grows === true && keys.bytes >= bounds.memoryBytes)
      throw new CommandError(`OOM command not allowed when used memory > 'maxmemory' (${bounds.memoryBytes} bytes)`);
    return command.run(keys, args);
  }

  function scriptCall(name: string, ...args: string[]) {
    const command = known(dataCommands[name], name, args.length + 1);
    return toScriptValue(runData(command, args));
  }

  function ping([text, ...more]: readonly string[]): Reply {
    if (more.length > 0) throw wrongArity('PING');
    if (subscriptionCount(listener) > 0) return ['pong', text ?? ''];
    return text ?? new Status('PONG');
  }

  function quit(): Reply {
    quitting = true;
    return ok;
  }

  function subscribe(kind: SubscriptionKind, names: readonly string[]): Encoded {
    if (subscriptionCount(listener) + names.length > bounds.subscriptions)
      throw new CommandError(`ERR too many subscriptions, a client of the stand-in may have ${bounds.subscriptions}`);
    return { encoded: channels.subscribe(listener, kind, names) };
  }

  function multi(): Reply {
    if (queued !== null) throw new CommandError('ERR MULTI calls can not be nested');
    queued = [];
    queueBroken = false;
    return ok;
  }

  function enqueue(queue: (readonly string[])[], upper: string, command: readonly string[]): Reply {
    try {
      known(dataCommands[upper] ?? commands[upper], command[0] ?? '', command.length);
      if (notInMulti.has(upper)) throw new CommandError(`ERR ${upper} is not supported inside MULTI by the stand-in`);
      if (queue.length >= bounds.queuedCommands)
        throw new CommandError(`ERR MULTI holds ${bounds.queuedCommands} commands, no more are allowed`);
    } catch (error) {
      queueBroken = true;
      throw error;
    }
    queue.push(command);
    return new Status('QUEUED');
  }

  function exec(): Reply {
    if (queued === null) throw new CommandError('ERR EXEC without MULTI');
    const commandsToRun = queued;
    for (const key of watchedKeys) keys.kind(key); // an expired key counts as changed
    const [broken, changed] = [queueBroken, watchedChanged];
    queued = null;
    unwatch();
    if (broken) throw new CommandError('EXECABORT Transaction discarded because of previous errors.');
    if (changed) return nullArray;
    return commandsToRun.map((command) => {
      const reply = attempt(command, run);
      return isEncoded(reply) ? null : reply; // commands with several replies are not queued
    });
  }

  function discard(): Reply {
    if (queued === null) throw new CommandError('ERR DISCARD without MULTI');
    queued = null;
    return unwatch();
  }

  function watch(names: readonly string[]): Reply {
    if (queued !== null) throw new CommandError('ERR WATCH inside MULTI is not allowed');
    for (const key of names) {
      keys.kind(key); // frees an expired one, whose end is then no change
      watches.push(
        keys.watch(key, () => {
          watchedChanged = true;
        }),
      );
      watchedKeys.push(key);
    }
    return ok;
  }

  function unwatch(): Reply {
    for (const stop of watches) stop();
    watches = [];
    watchedKeys = [];
    watchedChanged = false;
    return ok;
  }

  return {
    execute,
    quitting: () => quitting,
    end() {
      unwatch();
      channels.drop(listener);
    },
  };
}

/** @throws ERR for a name that is not known here, or a wrong number of arguments (the name counts). */
function known<C extends { arity: number }>(command: C | undefined, name: string, count: number): C {
  if (command === undefined) {
    const shown = name.slice(0, 128);
    throw new CommandError(
      `ERR unknown command '${shown}': the stand-in has the commands that the platform uses; put redis-server or valkey-server on PATH for others`,
    );
  }
  if (!arityFits(command.arity, count)) throw wrongArity(name);
  return command;
}

function isEncoded(reply: Reply | Encoded): reply is Encoded {
  return typeof reply === 'object' && reply !== null && 'encoded' in reply;
}
