import { type CacheScript, replyItems, type ScriptCall, type ScriptValue, toNumber, wholeNumber } from './script.ts';

export type TakeToken = {
  key: string;
  /** The caller's clock, epoch ms. */
  nowMs: number;
  /** Tokens that may be taken at once after a rest, 1 to 1,000,000. */
  burst: number;
  /** Tokens that come back a second, 0.001 to 1,000,000; held as whole microseconds between two tokens. */
  ratePerSecond: number;
  /** Tokens to take, at least 1. */
  cost: number;
};

export type TokenReply = {
  allowed: boolean;
  /** Tokens that could be taken right now. */
  remaining: number;
  /** 0 when allowed; else wait this long for the same cost; -1 when it is above the burst and never fits. */
  retryAfterMs: number;
  /** Until the whole burst is back. */
  resetMs: number;
};

const name = 'takeToken';

/**
 * A rate limit by the generic cell rate algorithm: one number a key, the time at which the bucket is full again, in
 * microseconds (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). Whole microseconds below 2^53 make Lua's
 * and JavaScript's arithmetic the same to the bit. A stored time further ahead than a burst can reach comes from a clock
 * that was wrong or a burst that was lowered: it is cut to one burst ahead, so nobody is locked out for longer.
 */
export const takeToken: CacheScript<TakeToken, TokenReply> = {
  name,
  numberOfKeys: 1,
  lua: `
local now, interval, cost = tonumber(ARGV[1]) * 1000, tonumber(ARGV[3]), tonumber(ARGV[4])
local window = tonumber(ARGV[2]) * interval
local full = tonumber(redis.call('GET', KEYS[1]) or '') or now
if full < now then full = now end
if full > now + window then full = now + window end
local taken = full + cost * interval
local early = taken - window - now
if early > 0 then
  local wait = math.ceil(early / 1000)
  if cost * interval > window then wait = -1 end
  return {0, math.floor((window - (full - now)) / interval), wait, math.ceil((full - now) / 1000)}
end
redis.call('SET', KEYS[1], string.format('%.0f', taken), 'PX', string.format('%.0f', math.ceil((taken - now) / 1000)))
return {1, math.floor((window - (taken - now)) / interval), 0, math.ceil((taken - now) / 1000)}
`,
  twin(call: ScriptCall, keys, args): ScriptValue {
    const [key = ''] = keys;
    const [nowMs = 0, burst = 0, interval = 0, cost = 0] = args.map(Number);
    const now = nowMs * 1000;
    const window = burst * interval;
    const stored = toNumber(call('GET', key)) ?? now;
    const full = Math.min(Math.max(stored, now), now + window);
    const taken = full + cost * interval;
    const early = taken - window - now;
    if (early > 0) {
      const wait = cost * interval > window ? -1 : Math.ceil(early / 1000);
      return [0, Math.floor((window - (full - now)) / interval), wait, Math.ceil((full - now) / 1000)];
    }
    call('SET', key, String(taken), 'PX', String(Math.ceil((taken - now) / 1000)));
    return [1, Math.floor((window - (taken - now)) / interval), 0, Math.ceil((taken - now) / 1000)];
  },
  encode({ key, nowMs, burst, ratePerSecond, cost }) {
    if (!(ratePerSecond >= 0.001 && ratePerSecond <= 1_000_000))
      throw new RangeError(`${name}: ratePerSecond is ${ratePerSecond}, allowed is 0.001 to 1000000`);
    return [
      key,
      wholeNumber(name, 'nowMs', nowMs, 0, 4_000_000_000_000),
      wholeNumber(name, 'burst', burst, 1, 1_000_000),
      Math.round(1_000_000 / ratePerSecond),
      wholeNumber(name, 'cost', cost, 1, 1_000_000),
    ];
  },
  decode(reply) {
    const [allowed, remaining, retryAfterMs, resetMs] = replyItems(name, reply, 4).map(Number);
    return {
      allowed: allowed === 1,
      remaining: remaining ?? 0,
      retryAfterMs: retryAfterMs ?? 0,
      resetMs: resetMs ?? 0,
    };
  },
};
