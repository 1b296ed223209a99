import { metricNames } from '../../runtime/contracts/metrics.ts';
import { apiHostOf } from '../edge/names.ts';
import type { Environment } from '../environment.ts';
import { burnQuery, burns, levelsOf } from './levels.ts';
import { logMetricNames, number, type Selectors, selectorsOf } from './queries.ts';

/** Somebody is called now; somebody looks today; somebody looks this week. */
export type Urgency = 'call' | 'today' | 'week';

/** One alert as data; `docs/runbooks/<runbook>.md` says what to do. */
export type Alert = {
  id: string;
  title: string;
  urgency: Urgency;
  /** PromQL; each series that it returns is an incident. */
  query: string;
  /** How long the query has to return something; whole minutes, as the evaluation runs each minute. */
  forMinutes: number;
  runbook: string;
  /** One or two sentences for the e-mail: what it means for devices and people. */
  says: string;
};

/** Every alert of an environment. Pure: the whole list can be read, tested and shown without a cloud. */
export function alertsOf(environment: Environment): readonly Alert[] {
  const ask = selectorsOf(environment);
  return [
    ...burnAlerts(environment),
    ...gatewayAlerts(ask, environment),
    ...pathAlerts(ask),
    ...storeAlerts(ask, environment),
    ...certificateAlerts(ask, environment),
    ...podAlerts(ask, environment),
    ...outsideAlerts(ask, environment),
  ];
}

function burnAlerts(environment: Environment): Alert[] {
  const { pageOnBurn } = environment.tier.observability;
  return levelsOf(environment).flatMap((level) =>
    burns.map((burn) => ({
      id: `${level.id}-${burn.pace}`,
      title: `${level.title}: budget burns ${burn.pace === 'fast' ? 'fast' : 'slowly'}`,
      urgency: burn.pace === 'fast' && pageOnBurn ? ('call' as const) : ('today' as const),
      query: burnQuery(level, burn),
      forMinutes: 2,
      runbook: `slo-${level.id}`,
      says: `The objective is ${number(level.goal * 100)} % good over 28 days; at this rate ${burn.share} is gone.`,
    })),
  );
}

const { gateway, processor } = metricNames;

const gatewayAlerts = ({ ours }: Selectors, { plan }: Environment): Alert[] => [
  {
    id: 'gateway-absent',
    title: 'No gateway reports',
    urgency: 'call',
    query: `absent(${ours(gateway.connections)})`,
    forMinutes: 5,
    runbook: 'gateway-absent',
    says: 'No gateway has reported for five minutes: no device may be able to send.',
  },
  {
    id: 'devices-dropped',
    title: 'Half of the devices went away',
    urgency: 'call',
    query: `sum(${ours(gateway.connections)}) < 0.5 * sum(${ours(gateway.connections)} offset 15m) and sum(${ours(gateway.connections)} offset 15m) > 20`,
    forMinutes: 5,
    runbook: 'devices-dropped',
    says: 'Fewer than half of the devices of a quarter of an hour ago are connected. A rollout alone is back within a minute.',
  },
  {
    id: 'gateway-full',
    title: 'A gateway is nearly full',
    urgency: 'today',
    query: `${ours(gateway.connections)} > ${number(plan.connectionsPerGateway * 0.9)}`,
    forMinutes: 10,
    runbook: 'gateway-full',
    says: `A gateway holds more than nine tenths of its ${plan.connectionsPerGateway} connections; beyond them it turns devices away.`,
  },
  {
    id: 'bus-down',
    title: 'A gateway cannot publish',
    urgency: 'call',
    query: `min by (pod) (${ours('iot_gateway_bus_up')}) < 1`,
    forMinutes: 3,
    runbook: 'bus-down',
    says: 'Pub/Sub takes no message of this gateway: acknowledgements are held, then devices are slowed down.',
  },
  {
    id: 'messages-refused',
    title: 'The bus refused acknowledged messages for good',
    urgency: 'call',
    query: `max by (pod) (${ours(gateway.spillRefused)}) > 0`,
    forMinutes: 1,
    runbook: 'messages-refused',
    says: 'Devices were told that these messages are safe, and they lie in files of a gateway: they are lost with its disk.',
  },
];

/** So many may wait, and so long, before somebody is told. */
const openLettersAtMost = 10_000;
const openLetterDays = 7;

const pathAlerts = ({ ours, subscription }: Selectors): Alert[] => [
  {
    id: 'backlog-old',
    title: 'Messages wait for a processor',
    urgency: 'call',
    query: `max by (subscription_id) (${subscription('oldest_unacked_message_age', 'telemetry-processor', 'lifecycle-devices', 'updates-devices')}) > 300`,
    forMinutes: 5,
    runbook: 'backlog-old',
    says: 'The oldest message has waited for more than five minutes. Nothing is lost within the retention of 7 days, but nothing of it can be queried.',
  },
  {
    id: 'processor-paused',
    title: 'Processors wait for a store',
    urgency: 'call',
    query: `max(${ours(processor.paused)}) > 0`,
    forMinutes: 5,
    runbook: 'processor-paused',
    says: 'A database is away, so that the processors have stopped pulling. Messages wait in Pub/Sub.',
  },
  {
    id: 'dead-letters',
    title: 'Many readings become dead letters',
    urgency: 'today',
    query: `sum by (reason) (rate(${ours(processor.deadLetters)}[15m])) > 0.01 * scalar(sum(rate(${ours(processor.stored)}[15m])))`,
    forMinutes: 15,
    runbook: 'dead-letters',
    says: 'More than one reading in a hundred cannot be stored; the label `reason` says why. They are kept and can be replayed.',
  },
  {
    id: 'dead-letters-many',
    title: 'Many dead letters wait',
    urgency: 'today',
    query: `max(${ours(processor.openLetters)}) > ${openLettersAtMost}`,
    forMinutes: 10,
    runbook: 'dead-letters-waiting',
    says: `More than ${openLettersAtMost} dead letters are open: neither replayed nor discarded. None of it can be queried.`,
  },
  {
    id: 'dead-letters-old',
    title: 'Nobody looks at the dead letters',
    urgency: 'week',
    query: `max(${ours(processor.oldestLetter)}) > ${openLetterDays * 86_400}`,
    forMinutes: 60,
    runbook: 'dead-letters-waiting',
    says: `The oldest dead letter has waited for ${openLetterDays} days. It can be replayed while its time lies within the retention of readings.`,
  },
  {
    id: 'dead-letters-unkept',
    title: 'Dead letters wait on the bus',
    urgency: 'today',
    query: `max(${subscription('oldest_unacked_message_age', 'telemetry-dead-letters-keeper')}) > 900 or sum(increase(${subscription('dead_letter_message_count', 'telemetry-processor', 'updates-devices')}[15m])) > 0`,
    forMinutes: 5,
    runbook: 'dead-letters-unkept',
    says: 'Dead letters are not written to the database, or Pub/Sub itself gave up on a message after 100 deliveries. They are lost after 7 days.',
  },
];

const storeAlerts = ({ databases, cache }: Selectors, environment: Environment): Alert[] => [
  {
    id: 'database-disk',
    title: 'A database disk fills up',
    urgency: 'today',
    query: `max by (database_id) (${databases('disk/utilization')}) > 0.8`,
    forMinutes: 30,
    runbook: 'database-disk',
    says: 'More than four fifths of the disk are used, though it grows by itself: retention does not keep up, or growth has met its limit.',
  },
  {
    id: 'database-cpu',
    title: 'A database is busy',
    urgency: 'today',
    query: `max by (database_id) (${databases('cpu/utilization')}) > 0.85`,
    forMinutes: 15,
    runbook: 'database-cpu',
    says: 'CPU above 85 % for a quarter of an hour: storing readings will fall behind.',
  },
  {
    id: 'database-connections',
    title: 'A database has nearly no connection left',
    urgency: 'today',
    query: `sum by (database_id) (${databases('postgresql/num_backends')}) > ${number(environment.plan.database.maximumConnections * 0.8)}`,
    forMinutes: 10,
    runbook: 'database-connections',
    says: `More than four fifths of the ${environment.plan.database.maximumConnections} connections are in use; a service that starts may get none.`,
  },
  {
    id: 'cache-memory',
    title: 'The cache fills up',
    urgency: 'today',
    query: `max(${cache('memory/maximum_utilization')}) > 0.8`,
    forMinutes: 15,
    runbook: 'cache-memory',
    says: 'A full cache refuses writes: newest states and presence stop, storing readings does not.',
  },
];

/** A CA is replaced with time to spare: devices have to get the new chain before the old one ends. */
const caDays = 90;

const certificateAlerts = ({ ours }: Selectors, { tier }: Environment): Alert[] => [
  {
    id: 'ca-ends',
    title: 'A certificate authority ends soon',
    urgency: 'week',
    // Per CA of the project: the metric knows pools and CAs, not environments.
    query: `min by (ca_pool_id, certificate_authority_id) (privateca_googleapis_com:ca_cert_expiration{monitored_resource="privateca.googleapis.com/CertificateAuthority"}) < ${caDays * 86_400}`,
    forMinutes: 60,
    runbook: 'ca-ends',
    says: `A CA's certificate ends within ${caDays} days, and with it every certificate below it.`,
  },
  {
    id: 'server-certificate-ends',
    title: 'A gateway does not get a new certificate',
    urgency: 'call',
    // A sidecar renews after two thirds of the life: at a fifth several tries have failed.
    // Zero means that there is none yet, and then the pod is not ready.
    query: `min by (pod) (${ours(metricNames.certificates.serverEnds)} > 0) - time() < ${number((tier.authority.serverCertificateHours * 3_600) / 5)}`,
    forMinutes: 5,
    runbook: 'server-certificate-ends',
    says: 'When the certificate ends, devices refuse this gateway; sessions that are open go on.',
  },
];

const podAlerts = ({ pods, logs }: Selectors, environment: Environment): Alert[] => [
  {
    id: 'pods-restart',
    title: 'A container restarts again and again',
    urgency: 'today',
    query: `sum by (container_name) (increase(${pods('container/restart_count')}[15m])) > 3`,
    forMinutes: 1,
    runbook: 'pods-restart',
    says: 'More than three restarts in a quarter of an hour: a wrong setting, too little memory, or a dependency that is away at start.',
  },
  {
    id: 'error-lines',
    title: 'Many errors in the log',
    urgency: 'today',
    query: `sum by (container_name) (rate(${logs(logMetricNames(environment).errors)}[10m])) > 0.5`,
    forMinutes: 10,
    runbook: 'error-lines',
    says: 'More than one error line in two seconds for ten minutes.',
  },
];

/** Holds three runs of the probe, which goes by its own clock (infra/workloads/probe.ts): a device more costs money by CAS. */
const probeWindow = ({ deviceCertificates }: Environment) => (deviceCertificates === 'kms' ? '15m' : '3h');

function outsideAlerts({ logs }: Selectors, environment: Environment): Alert[] {
  const host = apiHostOf(environment);
  return [
    ...(environment.tier.observability.uptimeProbe
      ? [
          {
            id: 'probe-fails',
            title: 'The probe cannot do what a device does',
            urgency: 'call' as const,
            query: `sum(increase(${logs(logMetricNames(environment).probeFailures)}[${probeWindow(environment)}])) >= 2`,
            forMinutes: 1,
            runbook: 'probe-fails',
            says: 'Two of the last runs could not enrol, publish and read back, inside the cluster. Real devices most likely see the same.',
          },
        ]
      : []),
    ...(host === null
      ? []
      : [
          {
            id: 'api-unreachable',
            title: 'The API does not answer from outside',
            urgency: 'call' as const,
            query: `avg(avg_over_time(monitoring_googleapis_com:uptime_check_check_passed{monitored_resource="uptime_url",host="${host}"}[5m])) < 0.7`,
            forMinutes: 5,
            runbook: 'api-unreachable',
            says: 'Checks from several continents fail: people and programs cannot reach the platform. Devices are not concerned.',
          },
        ]),
  ];
}
