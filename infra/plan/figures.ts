/**
 * What sizes are computed from, each with where it comes from. `measured`: a benchmark on one machine of 2 cores printed it,
 * this repository's (docs/benchmarks.md) or one made for its design. `vendor`: a page of Google's. `chosen`: nobody measured it;
 * it is a margin or a guess that a plan needs, and the first to put right once a real fleet is there.
 */
export type Figure = { value: number; unit: string; basis: 'measured' | 'vendor' | 'chosen'; source: string };

const measured = (value: number, unit: string, source: string): Figure => ({
  value,
  unit,
  basis: 'measured',
  source: `${source} (2026-11-22)`,
});
const vendor = (value: number, unit: string, source: string): Figure => ({ value, unit, basis: 'vendor', source });
const chosen = (value: number, unit: string, source: string): Figure => ({ value, unit, basis: 'chosen', source });

export const figures = {
  /** A fleet does not send evenly: what is sized for, above the mean. */
  peak: chosen(2, '× the mean', 'twice the mean; measure your own fleet'),
  /** Share of a core that is planned at the peak: the rest takes reconnects, garbage collection and neighbours. */
  utilisation: chosen(
    0.6,
    'of a core',
    'the gateway admits connections up to the same share (IOT_HANDSHAKES_PER_SECOND)',
  ),

  // 6,000 readings a second through mutual TLS, PUBACK after the publish is confirmed: 0.48 of a core.
  gatewayMessagesPerCore: measured(12_000, 'messages/s a core', 'docs/benchmarks.md, the whole path, 6000 x 1'),
  gatewayKilobytesPerDevice: measured(76.5, 'kB a device', 'docs/benchmarks.md, memory of an idle device'),
  gatewayBaseMegabytes: measured(230, 'MiB a process', 'docs/benchmarks.md, memory before the first device'),
  gatewayHeldMegabytes: chosen(128, 'MiB a process', 'IOT_MAX_HELD_BYTES: what waits for the bus'),
  gatewayHandshakes: chosen(300, 'handshakes/s a pod', 'IOT_HANDSHAKES_PER_SECOND; a core does 562'),
  reconnectSeconds: chosen(60, 's', 'the whole fleet is back within a minute'),
  /** 55,000 devices on the four pods that are left of six when a zone is lost. */
  gatewayDevicesPerPod: chosen(13_750, 'devices a pod', '1.05 GB of 76.5 kB; below the 15,000 that a process admits'),
  gatewayConnections: chosen(
    12 / 11,
    '× its devices',
    'connections that a gateway admits, of 13,750 the 15,000 of IOT_MAX_CONNECTIONS: old ones that are not yet closed',
  ),
  gatewayDevicesPerSmallPod: chosen(
    2_500,
    'devices a pod',
    '0.2 GB of 76.5 kB: where losing a zone is not planned for',
  ),

  // 6,000 readings a second: 0.26 of a core.
  processorMessagesPerCore: measured(20_000, 'messages/s a core', 'docs/benchmarks.md, the whole path, 6000 x 1'),
  /** A backlog drains as fast as it grew. */
  processorDrain: chosen(2, '× the peak', 'after an outage of the database of a minute the backlog is gone in another'),

  devicesPerRegistryPod: chosen(100_000, 'devices a pod', 'not measured; at rest the service used 0.00 of a core'),
  devicesPerQueryPod: chosen(200_000, 'devices a pod', 'not measured; people, not devices, load it'),

  // 20,000 readings a second in batches: 0.87 of a core, rollups and alert rules included.
  postgresRowsPerCore: measured(23_000, 'rows/s a core', 'docs/benchmarks.md, the whole path, 20000 x 10'),
  /** A vCPU is one thread of a core, its disk is over the network, and half of it is planned. */
  postgresShareOfCore: chosen(0.25, 'of a core a vCPU', 'half a core, half of that planned'),
  rowsPerShard: chosen(20_000, 'rows/s a shard', 'half of the 40,000 rows/s that one connection must do'),
  bytesPerRow: measured(185, 'B a reading', 'made for the design: heap 134 B and primary key 50 B, Postgres 15'),
  bytesPerRollup: chosen(165, 'B a rollup row', 'computed from its columns; not measured'),
  metricsPerReading: chosen(
    1,
    'numbers a reading',
    'a rollup row each; a reading with five has five times the rollups',
  ),
  gigabytesPerShard: chosen(
    8_192,
    'GB a shard',
    'an eighth of what Cloud SQL allows, so that a restore stays within hours',
  ),
  mostShards: chosen(32, 'shards', 'connections of each pod to each shard'),
  registryKilobytesPerDevice: chosen(20, 'kB a device', 'device, certificates, audit log; not measured'),
  devicesPerCoreCpu: chosen(
    250_000,
    'devices a vCPU',
    'not measured; the core database is asked at connects and by people',
  ),

  connectionsPerGibibyte: chosen(25, 'connections a GiB', '10 MB a connection: a quarter of the memory'),

  // Pipelines of 500 "set if newer" calls: 123,000 a second, on one core of the server.
  cacheWritesPerCore: measured(
    123_000,
    'states/s',
    'made for the design: Redis 7.0, Lua "HSET if newer", pipeline of 500, no persistence',
  ),
  cacheShare: chosen(0.65, 'of a core', 'an access token and TLS cost the rest'),
  cacheBytesPerDevice: chosen(
    1_500,
    'B a device',
    '150 B of newest state measured; presence, wake-ups and limits beside it',
  ),

  reenrolHours: chosen(24, 'h', 'a new certificate for the whole fleet within a day, as after a lost issuing key'),
  renewAt: chosen(2 / 3, 'of the lifetime', 'when the device library renews'),
  enterpriseCertificates: vendor(
    7,
    'certificates/s a CA',
    'https://cloud.google.com/certificate-authority-service/docs/tiers',
  ),
  devopsCertificates: vendor(
    25,
    'certificates/s a CA',
    'https://cloud.google.com/certificate-authority-service/docs/tiers',
  ),

  kmsSignatures: vendor(
    50,
    'signatures/s a region',
    'https://cloud.google.com/kms/quotas: 3,000 HSM requests a minute; from memory, to be checked',
  ),

  payloadBytes: chosen(150, 'B a message', 'the payload of the benchmarks'),
  attributeBytes: chosen(
    220,
    'B a message',
    'names and values of its attributes, id and time (runtime/contracts/bus.ts)',
  ),
  pubsubLeastBytes: vendor(1_000, 'B a request', 'https://cloud.google.com/pubsub/pricing'),
  pubsubMegabytes: vendor(
    200,
    'MB/s a region',
    'https://cloud.google.com/pubsub/quotas, small regions; from memory, to be checked',
  ),

  podsPerNode: vendor(
    110,
    'pods a node',
    'https://cloud.google.com/kubernetes-engine/quotas; from memory, to be checked',
  ),
  nodeCpu: chosen(3.4, 'vCPU a node', 'e2-standard-4 less what GKE keeps and its own pods'),
  nodeMemory: chosen(12.5, 'GiB a node', 'e2-standard-4 less what GKE keeps and its own pods'),

  // What only the bill depends on.
  egressBytesPerMessage: chosen(120, 'B a message', 'a PUBACK in its TLS record, TCP and IP headers'),
  twinWritesPerDevice: chosen(4, 'writes a device and day', 'reported and desired state'),
  twinReadsPerDevice: chosen(8, 'reads a device and day', 'a connect reads the desired state'),
  twinBytes: chosen(4_000, 'B a device', 'one document with its index entries'),
  logGibibytesPerPod: chosen(2, 'GiB a pod and month', 'level info: requests, connections, no readings'),
  networkLogGibibytesPerNode: chosen(3, 'GiB a node and month', 'flow logs as the network component samples them'),
  seriesPerPod: chosen(400, 'series a pod', 'a guess: count those at /metrics of your parts'),
  scrapeSeconds: chosen(30, 's', 'PodMonitoring interval'),
  alertConditions: chosen(20, 'conditions', 'burn rates and stores'),
  armorRules: chosen(8, 'rules', 'preconfigured sets and rate limits'),
  imageGibibytes: chosen(5, 'GiB', 'some twenty versions of eight images on one base'),
  scannedImages: chosen(64, 'images a month', 'a release a week of eight images, each for two processors'),
  natGibibytes: chosen(10, 'GiB a month', "Google's APIs are reached without NAT"),
} as const satisfies Record<string, Figure>;
