import { createServer, type Server, type ServerResponse } from 'node:http';
import { parseUpTopic } from '../../../runtime/contracts/topics.ts';
import { admitted } from '../../../runtime/gateway/admission.ts';
import { Broker, type InboundMessage } from '../../../runtime/gateway/broker.ts';
import { deviceOfClientId } from '../../../runtime/gateway/client-identity.ts';
import { Listener, type ListenerLimits } from '../../../runtime/gateway/listener.ts';
import { newMessageId } from '../../../runtime/gateway/message-ids.ts';
import { QuietLog } from '../../../runtime/gateway/quiet-log.ts';
import type { Refusal, Session } from '../../../runtime/gateway/session.ts';
import { readTlsFiles } from '../../../runtime/gateway/tls-files.ts';
import { connectCache } from '../../../runtime/platform/cache/cache.ts';
import { stateKey } from '../../../runtime/platform/cache/keys.ts';
import { createPool } from '../../../runtime/platform/database/pool.ts';
import type { Log } from '../../../runtime/platform/service/log.ts';
import { identify } from '../../../runtime/platform/tls/device-certificate.ts';
import { decodePayload } from '../../../runtime/processor/decode.ts';
import type { Row } from '../../../runtime/processor/interpret.ts';
import { gatewayAdmission } from '../admission.ts';
import { type Baseline, createRowStore } from './stores.ts';

export type MonolithPlan = {
  baseline: Baseline;
  /** Folder with `server.pem`, `server.key`, `devices-ca.pem`: the gateway's own. */
  tlsDir: string;
  mqttPort: number;
  httpPort: number;
  /** Connection string of a migrated shard database. */
  database: string;
  redis: string;
  /** What its keys in Redis begin with; not the platform's. */
  redisPrefix: string;
};

/** Connections of its pool. */
export const poolSize = 10;
/** The gateway's own. */
const limits: ListenerLimits = {
  maxConnections: gatewayAdmission.maxConnections,
  perSecond: gatewayAdmission.perSecond,
  inProgress: gatewayAdmission.inProgress,
  inProgressPerAddress: gatewayAdmission.inProgressPerAddress,
  connectionsPerSecondPerAddress: gatewayAdmission.connectionsPerSecondPerAddress,
  handshakeTimeoutMs: 10_000,
};
/** A baseline that is too slow is reported as such by the load, not by errors of its own. */
const patienceMs = 30_000;

/**
 * The whole product as one process: devices, rows, newest states, an API. Its front is the gateway's own (TLS,
 * admission rate, identity from the certificate, aedes, the writing of PUBACK), its decoder the processor's, so that
 * what is compared is only where a message is before its PUBACK leaves: here in Postgres and Redis.
 */
export async function startMonolith(plan: MonolithPlan, log: Log): Promise<{ stop(): Promise<void> }> {
  const pool = createPool(
    {
      name: plan.baseline,
      url: plan.database,
      application: `monolith-${plan.baseline}`,
      max: poolSize,
      connectMs: patienceMs,
      statementMs: patienceMs,
    },
    log,
  );
  const cache = connectCache(
    { url: plan.redis, prefix: plan.redisPrefix, commandTimeoutMs: patienceMs, maxUnanswered: 100_000 },
    { log, name: `monolith-${plan.baseline}` },
  );
  if (!(await cache.upWithin(patienceMs))) throw new Error('Redis did not answer');
  const quiet = new QuietLog(log);
  const store = createRowStore(plan.baseline, pool, cache);

  const broker = await Broker.create(
    {
      admit,
      connected: () => undefined,
      ended: () => undefined,
      failed: (session, reason, why) =>
        quiet.warn('connection', { device: session.device, reason, why }, 'connection failed'),
      mayRead: () => true,
      maySubscribe: () => true,
      subscribed: () => undefined,
      publish(session, message, done) {
        const rows = rowsOf(session, message, Date.now());
        if (rows instanceof Error) queueMicrotask(() => done(rows));
        else
          store.write(rows, (error) => {
            if (error !== null)
              quiet.warn('store', { device: session.device, error: error.message }, 'message not stored');
            done(error);
          });
      },
    },
    { connectTimeoutMs: 10_000 },
  );
  const listener = new Listener(await readTlsFiles(plan.tlsDir), limits, {
    onConnection(socket) {
      const identity = identify(socket.getPeerX509Certificate(), Date.now());
      if ('refused' in identity) socket.on('error', () => socket.destroy()).destroy();
      else broker.accept(socket, identity);
    },
    onFailed: (error) => quiet.warn('handshake', { error: error.message }, 'TLS handshake failed'),
    onTurnedAway: (why) => quiet.warn('turned-away', { why }, 'connection turned away'),
  });
  await listener.listen(plan.mqttPort, '127.0.0.1');
  const api = await startApi(plan.httpPort, async (path) => {
    const [, device = '', what = ''] = /^\/devices\/([^/]+)\/(state|history)$/.exec(path) ?? [];
    if (what === 'state') return cache.redis.hgetall(stateKey('main', device));
    if (what === 'history') return (await pool.query({ name: 'history', text: history, values: [device] })).rows;
    return undefined;
  });
  return {
    async stop() {
      listener.stopAccepting();
      listener.destroyAll();
      api.closeAllConnections();
      api.close();
      await broker.stop();
      await Promise.all([pool.end(), cache.close()]);
    },
  };
}

function admit(session: Session, connect: { clientId: string; keepaliveSeconds: number }): Refusal | undefined {
  const { identity } = session;
  if (identity === undefined || deviceOfClientId(connect.clientId) !== identity.device)
    return { code: 2, label: 'client-id', reason: 'the MQTT client id must be the device id of the certificate' };
  admitted(session, identity, connect.keepaliveSeconds, Date.now(), {
    IOT_KEEPALIVE_MAX_SECONDS: gatewayAdmission.keepaliveMaxSeconds,
  });
  return undefined;
}

/** What a message brings, or why its connection must end: a baseline has no dead letters. */
function rowsOf(session: Session, { topic, payload }: InboundMessage, received: number): Row[] | Error {
  const meaning = session.topic === topic && session.meaning !== undefined ? session.meaning : parseUpTopic(topic);
  session.topic = topic;
  session.meaning = meaning;
  if (meaning.kind !== 'events' || meaning.deviceId !== session.device) return new Error(`topic ${topic} is not taken`);
  const decoded = decodePayload(payload, received);
  if ('refusal' in decoded) return new Error(decoded.refusal.detail);
  const message = newMessageId();
  const { tenant, device } = session;
  const rows: Row[] = [];
  for (const [index, item] of decoded.items.entries()) {
    if ('refusal' in item) return new Error(item.refusal.detail);
    const { ts, seq, stamped, values } = item.candidate;
    rows.push({
      tenant,
      device,
      ts,
      seq,
      stamped,
      index,
      message,
      received,
      subfolder: '',
      json: JSON.stringify(values),
    });
  }
  return rows;
}

const history = `select ts, seq, values from readings where tenant = 'main' and device_id = $1
order by ts desc, seq desc limit 100`;

function startApi(port: number, answer: (path: string) => Promise<unknown>): Promise<Server> {
  const reply = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const server = createServer((request, response) => {
    answer(request.url ?? '').then(
      (body) => (body === undefined ? reply(response, 404, {}) : reply(response, 200, body)),
      (error: Error) => reply(response, 503, { error: error.message }),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
