import { type CacheScript, replyItems, type ScriptCall, type ScriptValue, toNumber, wholeNumber } from './script.ts';

export type HoldConnection = {
  key: string;
  /** Who holds the device's connection. */
  gateway: string;
  /** When the device connected there, epoch ms by the gateway's clock: the newest connection wins. */
  epoch: number;
  /** The hold ends by itself unless it is renewed by the same call within this time. */
  ttlMs: number;
  /** JSON text about the connection, returned to readers as it was given. */
  info: string;
};

export type Holder = {
  held: boolean;
  /** When held: the gateway that was displaced. When not: the gateway that holds it. Absent when there was no other. */
  other: { gateway: string; epoch: number } | null;
};

const held = 'holdConnection';
const released = 'releaseConnection';

/**
 * Presence and ownership of a device's connection: hash fields `gateway`, `epoch`, `info`. A newer epoch takes it; the
 * holder itself renews with its own epoch; an older one is told who holds it. Two gateways with the same epoch: the first
 * keeps it, since taking turns at every renewal would send commands to either.
 */
export const holdConnection: CacheScript<HoldConnection, Holder> = {
  name: held,
  numberOfKeys: 1,
  lua: `
local stored = redis.call('HMGET', KEYS[1], 'gateway', 'epoch')
local gateway, epoch = stored[1] or '', tonumber(stored[2] or '')
local other = {'', '0'}
if epoch and gateway ~= ARGV[1] then other = {gateway, stored[2]} end
if epoch then
  local mine = tonumber(ARGV[2])
  if epoch > mine or (epoch == mine and gateway ~= ARGV[1]) then return {0, gateway, stored[2]} end
end
redis.call('HSET', KEYS[1], 'gateway', ARGV[1], 'epoch', ARGV[2], 'info', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1, other[1], other[2]}
`,
  twin(call: ScriptCall, keys, args): ScriptValue {
    const [key = ''] = keys;
    const [mine = '', mineEpoch = '', ttlMs = '', info = ''] = args;
    const [stored, storedEpoch = null] = call('HMGET', key, 'gateway', 'epoch') as ScriptValue[];
    const gateway = typeof stored === 'string' ? stored : '';
    const epoch = toNumber(storedEpoch);
    const other = epoch !== null && gateway !== mine ? [gateway, storedEpoch] : ['', '0'];
    if (epoch !== null) {
      const newer = epoch > Number(mineEpoch) || (epoch === Number(mineEpoch) && gateway !== mine);
      if (newer) return [0, gateway, storedEpoch];
    }
    call('HSET', key, 'gateway', mine, 'epoch', mineEpoch, 'info', info);
    call('PEXPIRE', key, ttlMs);
    return [1, ...other];
  },
  encode: ({ key, gateway, epoch, ttlMs, info }) => [
    key,
    gateway,
    wholeNumber(held, 'epoch', epoch, 1, Number.MAX_SAFE_INTEGER),
    wholeNumber(held, 'ttlMs', ttlMs, 1, 86_400_000),
    info,
  ],
  decode(reply) {
    const [result, gateway, epoch] = replyItems(held, reply, 3);
    return {
      held: result === 1,
      other: gateway === '' ? null : { gateway: String(gateway), epoch: Number(epoch) },
    };
  },
};

/** Lets go of a connection, unless somebody else (or a newer connection of the same gateway) holds it by now. */
export const releaseConnection: CacheScript<{ key: string; gateway: string; epoch: number }, boolean> = {
  name: released,
  numberOfKeys: 1,
  lua: `
local stored = redis.call('HMGET', KEYS[1], 'gateway', 'epoch')
local epoch = tonumber(stored[2] or '')
if epoch and stored[1] == ARGV[1] and epoch == tonumber(ARGV[2]) then
  return redis.call('DEL', KEYS[1])
end
return 0
`,
  twin(call: ScriptCall, keys, args): ScriptValue {
    const [key = ''] = keys;
    const [gateway = '', mineEpoch = ''] = args;
    const [stored, storedEpoch] = call('HMGET', key, 'gateway', 'epoch') as ScriptValue[];
    const epoch = toNumber(storedEpoch);
    return epoch !== null && stored === gateway && epoch === Number(mineEpoch) ? call('DEL', key) : 0;
  },
  encode: ({ key, gateway, epoch }) => [
    key,
    gateway,
    wholeNumber(released, 'epoch', epoch, 1, Number.MAX_SAFE_INTEGER),
  ],
  decode: (reply) => reply === 1,
};
