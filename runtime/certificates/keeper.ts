import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import type { Log } from '../platform/service/log.ts';
import type { TlsFolder } from './files.ts';
import { namesOf, newRequest } from './request.ts';
import { type Life, renewalTime, retryPause } from './schedule.ts';

/** PEM, each with a line end; `chain` from the issuer to the root, which is its last. */
export type Signed = { certificate: string; chain: readonly string[]; root: string };

export type KeeperOptions = {
  folder: TlsFolder;
  names: readonly string[];
  /** Signs a request; the same `attempt` for every try of one request. */
  sign: (csr: string, attempt: string) => Promise<Signed>;
  /** PEM of each CA below which a device's certificate is good. */
  trusted: () => Promise<readonly string[]>;
  trustEveryMs: number;
  /** The secret of session ticket keys, if gateways share one: looked up as often. */
  ticketSecret?: () => Promise<Buffer>;
  log: Log;
  clock?: () => number;
  random?: () => number;
};

export type Keeper = {
  /** What the gateway cannot start without. */
  missing(): string[];
  /** Epoch milliseconds; undefined while there is no certificate. */
  notAfter(): number | undefined;
  stop(): void;
};

/**
 * Keeps a gateway's TLS folder: its certificate, renewed at two thirds of its life, and the CAs of devices, looked up every
 * minute, as is the secret of session tickets. What fails is tried again with a growing pause; what is in the folder stays in use meanwhile.
 */
export function startKeeper(options: KeeperOptions): Keeper {
  const { folder, names, log, clock = Date.now, random = Math.random } = options;
  let server: (Life & { root: string }) | undefined;
  let trust = false;
  let request: { key: string; csr: string; attempt: string } | undefined;

  async function keepServer(): Promise<number> {
    if (server === undefined) {
      server = await folder.present(names);
      if (server !== undefined) wake();
    }
    const due = server === undefined ? 0 : renewalTime(server, random());
    if (server !== undefined && clock() < due) return due - clock();
    request ??= { ...(await newRequest(names)), attempt: randomBytes(8).toString('hex') };
    const signed = await options.sign(request.csr, request.attempt);
    const life = checked(signed, request.key, names);
    const certificate = signed.certificate + signed.chain.slice(0, -1).join('');
    await folder.writeServer({ key: request.key, certificate, root: signed.root });
    request = undefined;
    server = { ...life, root: signed.root };
    log.info({ notAfter: new Date(life.ends).toISOString(), names }, 'server certificate renewed');
    wake();
    return Math.max(1_000, renewalTime(life, random()) - clock());
  }

  async function keepTrust(): Promise<number> {
    // The platform's own root belongs to them: devices' CAs are below it, also one that was made a moment ago.
    if (server === undefined) return options.trustEveryMs;
    const all = new Set([...(await options.trusted()), server.root]);
    if (await folder.writeTrust([...all].join(''))) log.info({ authorities: all.size }, "devices' authorities written");
    trust = true;
    return options.trustEveryMs * (0.9 + 0.2 * random());
  }

  /** Not waited for: without it a gateway has tickets of its own, and a device's next handshake is a full one. */
  async function keepTickets(ticketSecret: () => Promise<Buffer>): Promise<number> {
    if (await folder.writeTicketSecret(await ticketSecret())) log.info({}, 'secret of session tickets written');
    return options.trustEveryMs * (0.9 + 0.2 * random());
  }

  const { ticketSecret } = options;
  const loops = [
    loop('server certificate', keepServer, log, random),
    loop("devices' authorities", keepTrust, log, random),
    ...(ticketSecret === undefined
      ? []
      : [loop('secret of session tickets', () => keepTickets(ticketSecret), log, random)]),
  ] as const;
  const wake = () => loops[1].now();
  return {
    missing: () => [
      ...(server === undefined || server.ends <= clock() ? ['server certificate'] : []),
      ...(trust ? [] : ["devices' authorities"]),
    ],
    notAfter: () => server?.ends,
    stop: () => {
      for (const each of loops) each.stop();
    },
  };
}

/** Runs `work` again after the milliseconds that it says, or after a growing pause when it failed. Never twice at once. */
function loop(what: string, work: () => Promise<number>, log: Log, random: () => number) {
  let timer: NodeJS.Timeout | undefined;
  let [failures, running, again, stopped] = [0, false, false, false];
  const turn = async (): Promise<void> => {
    running = true;
    let pause: number;
    try {
      pause = await work();
      failures = 0;
    } catch (error) {
      failures += 1;
      pause = retryPause(failures, random());
      log.warn({ error: (error as Error).message, failures, pauseMs: Math.round(pause) }, `${what}: tried again`);
    }
    running = false;
    if (stopped) return;
    if (again) pause = 0;
    again = false;
    timer = setTimeout(() => void turn(), Math.min(pause, 2 ** 31 - 1));
  };
  void turn();
  return {
    now() {
      if (running) again = true;
      else {
        clearTimeout(timer);
        void turn();
      }
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** @throws Error when the certificate is not the one that was asked for. */
function checked({ certificate }: Signed, key: string, names: readonly string[]): Life {
  const parsed = new X509Certificate(certificate);
  if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('the pool signed another key than ours');
  const held = namesOf(parsed);
  if (!names.every((name) => held.has(name)))
    throw new Error(`the pool signed ${[...held].join(', ')}, asked for was ${names.join(', ')}`);
  return { begins: parsed.validFromDate.getTime(), ends: parsed.validToDate.getTime() };
}
