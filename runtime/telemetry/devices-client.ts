import { z } from 'zod';
import type { Caller } from '../platform/http/caller.ts';
import { createUpstream, UpstreamAway } from '../platform/http/client.ts';
import type { ServiceToken } from '../platform/identity/service-token.ts';
import type { Log } from '../platform/service/log.ts';
import type { Tracing } from '../platform/service/trace.ts';

const Counts = z.object({ devices: z.int(), connected: z.int(), blocked: z.int() });
type Who = { caller: Caller; trace: string; traceparent?: string | undefined; signal: AbortSignal; log: Log };

/** The devices service, which owns the registry. Undefined where it did not answer: the asker marks its own answer. */
export type DevicesClient = {
  counts(who: Who): Promise<z.infer<typeof Counts> | undefined>;
  /** Whether a device is registered. */
  exists(who: Who, device: string): Promise<boolean | undefined>;
  close(): void;
};

export function createDevicesClient(
  place: { url: string; identity: ServiceToken },
  log: Log,
  tracing?: Tracing,
): DevicesClient {
  const upstream = createUpstream(
    { name: 'devices', ...place, timeoutMs: 1_500, concurrent: 16, answerBytes: 65_536 },
    log,
    tracing,
  );

  const ask = async (who: Who, path: string) => {
    const { caller, trace, signal, log: requestLog } = who;
    const by = { tenant: caller.tenant, subject: caller.subject, scopes: [...caller.scopes] };
    const traceparent = who.traceparent ?? `00-${trace}-${trace.slice(0, 16)}-00`;
    try {
      return await upstream.call({ method: 'GET', path, caller: { ...by, traceparent }, signal });
    } catch (error) {
      if (!(error instanceof UpstreamAway)) throw error;
      requestLog.warn({ part: error.part, error: error.reason }, 'the answer lacks a part');
      return undefined;
    }
  };
  return {
    async counts(who) {
      const answer = await ask(who, '/internal/counts');
      return answer?.status === 200 ? Counts.parse(JSON.parse(answer.body.toString())) : undefined;
    },
    async exists(who, device) {
      const answer = await ask(who, `/internal/v1/devices/${encodeURIComponent(device)}`);
      if (answer?.status === 200) return true;
      return answer?.status === 404 ? false : undefined;
    },
    close: () => upstream.close(),
  };
}
