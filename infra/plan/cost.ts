import type { Tier } from '../tiers.ts';
import type { BusPlan } from './bus.ts';
import { type Certificates, caPrice, certificateQuantities, keyPrices } from './certificates.ts';
import { machineOf } from './databases.ts';
import { figures } from './figures.ts';
import type { Load } from './load.ts';
import { demandOf } from './nodes.ts';
import { priceFile, priceOf } from './prices.ts';
import type { Cost, CostLine, Plan } from './types.ts';

const f = figures;
const hours = priceFile.hoursAMonth;

/** What is billed: the sized parts, and what only the bill needs. */
export type Billed = {
  tier: Tier;
  load: Load;
  pods: Plan['pods'];
  cluster: Plan['cluster'];
  clusterMode: 'autopilot' | 'standard';
  database: Plan['database'];
  fullGigabytes: number;
  cache: Plan['cache'];
  bus: BusPlan;
  certificates: Certificates;
  deviceCertificates: 'kms' | 'cas';
  publicEdge: boolean;
  scanImages: boolean;
};

/**
 * A month of everything, at list prices without discounts, once stores have filled up to what they keep. Not in it: traffic
 * between zones, support, taxes, and what people query.
 */
export function costOf(billed: Billed): Cost {
  const lines = [
    ...compute(billed),
    ...databases(billed),
    ...cache(billed),
    ...messaging(billed),
    ...authority(billed),
    ...documents(billed),
    ...edge(billed),
    ...observability(billed),
  ].filter(({ quantity }) => quantity > 0);
  const monthly = total(lines);
  const unverified = total(lines.filter(({ verified }) => !verified));
  return { lines, monthly, unverifiedShare: monthly === 0 ? 0 : unverified / monthly, priced: priceFile.priced };
}

const total = (lines: readonly CostLine[]): number => lines.reduce((sum, { monthly }) => sum + monthly, 0);

function line(id: string, quantity: number, what = priceOf(id).what): CostLine {
  const { unit, usd, verified, source } = priceOf(id);
  return { what, price: id, quantity, unit, monthly: quantity * usd, verified, source };
}

function compute({ tier, pods, cluster, clusterMode, scanImages }: Billed): CostLine[] {
  const { cpus, memory, pods: number } = demandOf(pods, 'replicas');
  const nodes = cluster.minimumNodesPerZone * cluster.zones;
  const sized =
    clusterMode === 'autopilot'
      ? [
          line('autopilot.cpu', cpus * hours),
          line('autopilot.memory', memory * hours),
          // A pod that asks for none has a gibibyte.
          line('autopilot.disk', number * hours),
        ]
      : [line('node.e2-standard-4', nodes * hours), line('node.disk', nodes * cluster.nodeDisk)];
  const kept = tier.cluster.backupDays;
  const backup = kept === null ? [] : [line('gke.backup.pod', number), line('gke.backup.storage', kept * 0.1)];
  const images = [
    line('registry.storage', f.imageGibibytes.value),
    line('registry.scan', scanImages ? f.scannedImages.value : 0),
  ];
  return [line('gke.cluster', hours), ...sized, ...backup, ...images];
}

function databases({ tier, database, fullGigabytes }: Billed): CostLine[] {
  const prices = tier.database.edition === 'ENTERPRISE' ? 'sql.enterprise' : 'sql.plus';
  const copies = tier.database.availability === 'REGIONAL' ? 2 : 1;
  const machine = (name: string, tierName: string, number: number): CostLine[] => {
    const { cpus, memory } = machineOf(tierName);
    return [
      line(`${prices}.cpu`, number * copies * cpus * hours, `${priceOf(`${prices}.cpu`).what}: ${name}`),
      line(`${prices}.memory`, number * copies * memory * hours, `${priceOf(`${prices}.memory`).what}: ${name}`),
    ];
  };
  const kept = Math.max(fullGigabytes, database.shards * database.shardDisk);
  const stored = kept + database.coreDisk;
  return [
    ...machine('core', database.coreTier, 1),
    ...machine(`${database.shards} shard${database.shards === 1 ? '' : 's'}`, database.shardTier, database.shards),
    line('sql.storage', database.coreDisk * copies, `${priceOf('sql.storage').what}: core`),
    line('sql.storage', kept * copies, `${priceOf('sql.storage').what}: shards, filled`),
    // Backups are increments: one whole copy, and what changes, which the appended readings are.
    line('sql.backup', tier.database.backups === null ? 0 : stored),
    line('psc.endpoint', (1 + database.shards) * hours, `${priceOf('psc.endpoint').what}: databases`),
  ];
}

function cache({ tier, cache: { nodeType, shards } }: Billed): CostLine[] {
  return [
    line(`valkey.${nodeType}`, shards * (1 + tier.cache.replicas) * hours),
    line('psc.endpoint', hours, `${priceOf('psc.endpoint').what}: cache`),
  ];
}

function messaging({ tier, load, bus }: Billed): CostLine[] {
  const gibibytesADay = (load.mean * 86_400 * bus.messageBytes) / 1024 ** 3;
  const archive = tier.messaging.archive
    ? [
        line('pubsub.export', bus.monthlyTebibytes / 2),
        line('storage.standard', gibibytesADay * 30, `${priceOf('storage.standard').what}: archive, a month of it`),
      ]
    : [];
  return [
    line('pubsub.throughput', bus.monthlyTebibytes),
    line('pubsub.retention', gibibytesADay * tier.messaging.topicRetentionDays),
    ...archive,
  ];
}

function authority({ tier, certificates, deviceCertificates, pods, publicEdge }: Billed): CostLine[] {
  const { caTier, serverCaTier, serverCertificateHours, keyProtection } = tier.authority;
  const key = keyPrices(keyProtection);
  const byCas = deviceCertificates === 'cas';
  // Each gateway's, and each api's for EST, which comes with a domain.
  const servers = pods.gateway.replicas + (publicEdge ? pods.api.replicas : 0);
  const serverCertificates = (servers * hours) / (serverCertificateHours * f.renewAt.value);
  return [
    line(caPrice(caTier), 1, `${priceOf(caPrice(caTier)).what}: root`),
    line(caPrice(serverCaTier), 1, `${priceOf(caPrice(serverCaTier)).what}: servers`),
    ...certificateQuantities(serverCaTier, serverCertificates).map(([id, quantity]) =>
      line(id, quantity, `${priceOf(id).what}: servers`),
    ),
    ...(byCas
      ? [
          line(caPrice(caTier), certificates.authorities, `${priceOf(caPrice(caTier)).what}: devices`),
          ...certificateQuantities(caTier, certificates.monthly).map(([id, quantity]) =>
            line(id, quantity, `${priceOf(id).what}: devices`),
          ),
        ]
      : []),
    // The cluster's secrets, firmware, and the issuing key, which is there whoever signs.
    line(key.version, 3),
    line(key.operation, byCas ? 0.1 : 0.1 + certificates.monthly / 10_000),
    line('secret.version', 6),
  ];
}

function documents({ tier, load }: Billed): CostLine[] {
  const month = 365 / 12;
  const stored = (load.devices * f.twinBytes.value) / 1024 ** 3;
  const copies = (tier.documents.pointInTime ? 1 : 0) + (tier.documents.backupDays === null ? 0 : 1);
  return [
    line('firestore.write', (load.devices * f.twinWritesPerDevice.value * month) / 100_000),
    line('firestore.read', (load.devices * f.twinReadsPerDevice.value * month) / 100_000),
    line('firestore.storage', stored),
    line('firestore.backup', stored * copies),
  ];
}

function edge({ load, cluster, publicEdge }: Billed): CostLine[] {
  const sent = (load.mean * f.egressBytesPerMessage.value * hours * 3_600) / 1024 ** 3;
  const received = (load.mean * f.payloadBytes.value * hours * 3_600) / 1024 ** 3;
  const nodes = Math.min(32, cluster.minimumNodesPerZone * cluster.zones);
  return [
    line('lb.rules', hours),
    line('lb.data', received + sent),
    line('egress.internet', sent),
    line('nat.node', nodes * hours),
    line('nat.address', hours),
    line('nat.data', f.natGibibytes.value),
    ...(publicEdge ? [line('armor.policy', 1), line('armor.rule', f.armorRules.value), line('dns.zone', 1)] : []),
    // Those that lead to Google's APIs past the internet.
    line('dns.zone', 4, `${priceOf('dns.zone').what}: private`),
  ];
}

function observability({ tier, pods, cluster }: Billed): CostLine[] {
  const { pods: number } = demandOf(pods, 'replicas');
  const logs = number * f.logGibibytesPerPod.value;
  const months = Math.max(0, tier.observability.logDays - 30) / (365 / 12);
  const samples = (number * f.seriesPerPod.value * hours * 3_600) / f.scrapeSeconds.value / 1e6;
  const nodes = cluster.minimumNodesPerZone * cluster.zones;
  return [
    line('logging.ingest', Math.max(0, logs - 50)),
    line('logging.retention', logs * months),
    line('logging.network', nodes * f.networkLogGibibytesPerNode.value),
    line('prometheus.samples', samples),
    line('alerting.condition', f.alertConditions.value),
  ];
}
