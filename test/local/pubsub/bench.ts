/**
 * What the local Pub/Sub server does with Google's unmodified client: `node test/local/pubsub/bench.ts [messages]`.
 * Prints one JSON line a measurement. Pins the server to core 0 and the client to core 1 where `taskset` exists.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ServerProcess, startServerProcess } from './server-process.ts';

const MESSAGES = Number(process.argv[2] ?? 200_000);
const PAYLOAD = Buffer.alloc(200, 'x');
const ATTRIBUTES = { tenant: 'acme', device: 'dev-000001', type: 'reading' };
const IN_FLIGHT = 10_000;

type Topic = import('@google-cloud/pubsub').Topic;
type Subscription = import('@google-cloud/pubsub').Subscription;
type Message = import('@google-cloud/pubsub').Message;

/** Acknowledges everything and counts unique messages; one listener for the whole run, as removing it closes the stream. */
class Received {
  #seen = new Set<string>();
  #wanted = Number.POSITIVE_INFINITY;
  #reached: () => void = () => undefined;

  constructor(subscription: Subscription) {
    subscription.on('error', (error: Error) => {
      throw error;
    });
    subscription.on('message', (message: Message) => {
      message.ack();
      this.#seen.add(message.id);
      if (this.#seen.size === this.#wanted) this.#reached();
    });
  }

  unique(count: number): Promise<void> {
    this.#seen = new Set();
    this.#wanted = count;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }
}

const pinned = tryPin();
const folder = await mkdtemp(join(tmpdir(), 'pubsub-bench-'));
const profile = process.env['BENCH_PROFILE'] === '1' ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${tmpdir()}` } : {};
const server = await startServerProcess(folder, profile as Record<string, string>, pinned ? { pin: 0 } : {});
try {
  process.env['PUBSUB_EMULATOR_HOST'] = server.host;
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const { PubSub } = await import('@google-cloud/pubsub');
  const client = new PubSub({ projectId: 'bench' });
  const [topic] = await client.createTopic('throughput');
  topic.setPublishOptions({ batching: { maxMessages: 500, maxMilliseconds: 5 } });
  await topic.createSubscription('throughput-sub');
  const subscription = client.subscription('throughput-sub', {
    flowControl: { maxMessages: 20_000 },
    batching: { maxMessages: 1000, maxMilliseconds: 10 },
    streamingOptions: { maxStreams: 1 },
  });
  const received = new Received(subscription);
  await throughput(server, topic, received, 20_000);
  print('throughput', await throughput(server, topic, received, MESSAGES));
  await subscription.close();
  topic.setPublishOptions({ batching: { maxMessages: 500, maxMilliseconds: 1 } });
  await confirmLatency(topic, 1_000, 1);
  print('confirm, 1000 msg/s', await confirmLatency(topic, 1_000, 5));
  await client.close();
} finally {
  await server.kill('SIGTERM');
  await rm(folder, { recursive: true });
}

async function throughput(of: ServerProcess, topic: Topic, received: Received, count: number): Promise<object> {
  const before = { wall: performance.now(), server: cpuSeconds(of.pid), client: process.cpuUsage() };
  const all = received.unique(count);
  let sent = 0;
  const lanes = Array.from({ length: 20 }, async () => {
    while (sent < count) {
      const batch = Math.min(IN_FLIGHT / 20, count - sent);
      sent += batch;
      await Promise.all(
        Array.from({ length: batch }, () => topic.publishMessage({ data: PAYLOAD, attributes: ATTRIBUTES })),
      );
    }
  });
  await Promise.all(lanes);
  await all;
  const seconds = (performance.now() - before.wall) / 1000;
  const client = process.cpuUsage(before.client);
  const metrics = await of.metrics();
  return {
    messages: count,
    perSecond: Math.round(count / seconds),
    serverCpuMicrosPerMessage: ((cpuSeconds(of.pid) - before.server) * 1e6) / count,
    clientCpuMicrosPerMessage: (client.user + client.system) / count,
    commits: metrics.get('pubsub_commits_total'),
    commitMs: ((metrics.get('pubsub_commit_seconds_total') ?? 0) * 1000) / (metrics.get('pubsub_commits_total') ?? 1),
    serverMegabytes: residentMegabytes(of.pid),
    pinned,
  };
}

/** Open loop at `rate`; latency of the publish confirmation from the intended send time. */
async function confirmLatency(topic: Topic, rate: number, seconds: number): Promise<object> {
  const latencies: number[] = [];
  const started = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let i = 0; i < rate * seconds; i += 1) {
    const intended = started + (i * 1000) / rate;
    while (performance.now() < intended)
      await new Promise((resolve) => setTimeout(resolve, intended - performance.now()));
    sent.push(
      topic
        .publishMessage({ data: PAYLOAD, attributes: ATTRIBUTES })
        .then(() => latencies.push(performance.now() - intended)),
    );
  }
  await Promise.all(sent);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { rate, seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: latencies.at(-1) };
}

function print(name: string, result: object): void {
  const rounded = Object.fromEntries(
    Object.entries(result).map(([key, value]) => [
      key,
      typeof value === 'number' ? Math.round(value * 100) / 100 : value,
    ]),
  );
  process.stdout.write(
    `${JSON.stringify({ name, sync: 'FULL', payloadBytes: PAYLOAD.length, attributes: 3, ...rounded })}\n`,
  );
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function tryPin(): boolean {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', '1', `${process.pid}`], { stdio: 'ignore' });
    return true;
  } catch (error) {
    process.stderr.write(`not pinned to a core: ${error instanceof Error ? error.message : error}\n`);
    return false;
  }
}
