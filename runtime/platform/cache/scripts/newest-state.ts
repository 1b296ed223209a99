import { type CacheScript, type ScriptCall, type ScriptValue, toNumber, wholeNumber } from './script.ts';

export type NewestState = {
  key: string;
  /** Epoch ms of the reading. */
  ts: number;
  seq: number;
  /** JSON text; a hash field, returned as it was given. */
  payload: string;
  /** The key ends this long after its newest write, seconds. */
  ttlSeconds: number;
};

const name = 'newestState';

/**
 * Law 3: the newest state is the newest reading by (ts, seq), whatever the order of arrival. Replies 1 when it was
 * written, 0 when the same or a newer reading is stored. Hash fields: `ts`, `seq`, `payload`.
 */
export const newestState: CacheScript<NewestState, boolean> = {
  name,
  numberOfKeys: 1,
  lua: `
local stored = redis.call('HMGET', KEYS[1], 'ts', 'seq')
local ts, seq = tonumber(ARGV[1]), tonumber(ARGV[2])
local storedTs = tonumber(stored[1] or '')
if storedTs then
  local storedSeq = tonumber(stored[2] or '') or 0
  if storedTs > ts or (storedTs == ts and storedSeq >= seq) then return 0 end
end
redis.call('HSET', KEYS[1], 'ts', ARGV[1], 'seq', ARGV[2], 'payload', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
`,
  twin(call: ScriptCall, keys, args): ScriptValue {
    const [key = ''] = keys;
    const [ts = '', seq = '', payload = '', ttlSeconds = ''] = args;
    const [storedTs, storedSeq] = (call('HMGET', key, 'ts', 'seq') as ScriptValue[]).map(toNumber);
    if (typeof storedTs === 'number') {
      const newer = storedTs > Number(ts) || (storedTs === Number(ts) && (storedSeq ?? 0) >= Number(seq));
      if (newer) return 0;
    }
    call('HSET', key, 'ts', ts, 'seq', seq, 'payload', payload);
    call('EXPIRE', key, ttlSeconds);
    return 1;
  },
  encode: ({ key, ts, seq, payload, ttlSeconds }) => [
    key,
    wholeNumber(name, 'ts', ts, 0, Number.MAX_SAFE_INTEGER),
    wholeNumber(name, 'seq', seq, 0, Number.MAX_SAFE_INTEGER),
    payload,
    wholeNumber(name, 'ttlSeconds', ttlSeconds, 1, 10 * 365 * 86_400),
  ],
  decode: (reply) => reply === 1,
};
