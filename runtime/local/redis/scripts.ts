import { createHash } from 'node:crypto';
import type { CacheScript, ScriptCall, ScriptValue } from '../../platform/cache/scripts/script.ts';
import { CommandError, ok, type Reply, Status } from './resp.ts';

type Twin = CacheScript<never, unknown>['twin'];
type Known = { name: string; sha: string; lua: string; twin: Twin };

/** The scripts that this server runs: by their Lua text and, once loaded, by its SHA1. */
export type Scripts = {
  /** EVAL: runs and loads. @throws ERR for a script that is not the platform's */
  evaluate: (lua: string, call: ScriptCall, args: readonly string[]) => Reply;
  /** EVALSHA. @throws NOSCRIPT until the script was loaded or evaluated */
  evaluateLoaded: (sha: string, call: ScriptCall, args: readonly string[]) => Reply;
  /** SCRIPT LOAD, EXISTS and FLUSH. */
  manage: (args: readonly string[]) => Reply;
};

export function createScripts(scripts: readonly CacheScript<never, unknown>[]): Scripts {
  const known = new Map<string, Known>();
  const loaded = new Map<string, Known>();
  for (const { name, lua, twin } of scripts) {
    const sha = createHash('sha1').update(lua).digest('hex');
    known.set(lua, { name, sha, lua, twin });
  }
  const load = (lua: string): Known => {
    const script = known.get(lua);
    if (script === undefined) {
      const names = scripts.map(({ name }) => name).join(', ');
      throw new CommandError(
        `ERR the stand-in runs no Lua but the platform's own scripts (${names}); put redis-server or valkey-server on PATH for others`,
      );
    }
    loaded.set(script.sha, script);
    return script;
  };
  return {
    evaluate: (lua, call, args) => run(load(lua), call, args),
    evaluateLoaded(sha, call, args) {
      const script = loaded.get(sha.toLowerCase());
      if (script === undefined) throw new CommandError('NOSCRIPT No matching script. Please use EVAL.');
      return run(script, call, args);
    },
    manage([subcommand = '', ...args]) {
      const name = subcommand.toUpperCase();
      if (name === 'LOAD' && args.length === 1) return load(args[0] ?? '').sha;
      if (name === 'EXISTS' && args.length > 0) return args.map((sha) => (loaded.has(sha.toLowerCase()) ? 1 : 0));
      if (name === 'FLUSH' && args.length <= 1) {
        loaded.clear();
        return ok;
      }
      throw new CommandError(`ERR unknown subcommand or wrong number of arguments for 'script|${subcommand}'`);
    },
  };
}

function run({ twin }: Known, call: ScriptCall, [countText = '', ...args]: readonly string[]): Reply {
  if (!/^-?\d{1,9}$/.test(countText)) throw new CommandError('ERR value is not an integer or out of range');
  const count = Number(countText);
  if (count > args.length) throw new CommandError("ERR Number of keys can't be greater than number of args");
  if (count < 0) throw new CommandError("ERR Number of keys can't be negative");
  return twin(call, args.slice(0, count), args.slice(count));
}

/** A command's reply as a script sees it. */
export function toScriptValue(reply: Reply): ScriptValue {
  if (reply instanceof Status) return reply.text;
  if (reply instanceof CommandError) throw reply;
  if (typeof reply === 'bigint') return Number(reply);
  if (typeof reply === 'symbol') return null;
  return Array.isArray(reply) ? reply.map(toScriptValue) : reply;
}
