import type { Computed } from '../../../infra/recording/computed.ts';
import { type Recording, record } from '../../../infra/recording/record.ts';
import { run } from '../../../stacks/index.ts';

/** Settings of a test's stack: only what has no default, and what the test is about. */
export type Given = Readonly<Record<string, string | number | boolean | object>>;

const least: Record<string, Given> = {
  ephemeral: { tier: 'ephemeral', project: 'iot-eph-1', region: 'europe-west1', devices: 50 },
  dev: { tier: 'dev', project: 'iot-dev-1', region: 'europe-west1' },
  staging: {
    tier: 'staging',
    project: 'iot-staging-1',
    region: 'europe-west1',
    domain: 'staging.iot.example.com',
    devices: 5_000,
  },
  prod: {
    tier: 'prod',
    project: 'iot-prod-1',
    region: 'europe-west1',
    domain: 'iot.example.com',
    devices: 55_000,
    alertEmails: ['ops@example.com'],
  },
};

export type RecordGiven = {
  tier: 'ephemeral' | 'dev' | 'staging' | 'prod';
  mode?: 'up' | 'preview';
  settings?: Given;
  history?: object;
  stack?: string;
  computed?: Computed;
};

/** The environment program of a tier, as it would register everything. */
export function recordEnvironment({
  tier,
  mode = 'up',
  settings = {},
  history,
  stack = tier,
  computed,
}: RecordGiven): Promise<Recording> {
  return recordStack(stack, { ...least[tier], ...settings }, mode, history, computed);
}

const recorded = new Map<string, Promise<Recording>>();

/** The same stack is recorded once a worker, whichever test asks; nobody can change what others get. */
export function recordStack(
  stack: string,
  settings: Given,
  mode: 'up' | 'preview',
  history?: object,
  computed?: Computed,
): Promise<Recording> {
  // Functions are no key; only the test that gives one asks for it.
  if (computed !== undefined) return recordAnew(stack, settings, mode, history, computed);
  const key = JSON.stringify([stack, settings, mode, history]);
  const made = recorded.get(key) ?? recordAnew(stack, settings, mode, history).then(shared);
  recorded.set(key, made);
  return made;
}

const shared = (recording: Recording): Recording => ({ ...recording, registrations: frozen(recording.registrations) });

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) frozen(each);
  return Object.freeze(value);
}

function recordAnew(
  stack: string,
  settings: Given,
  mode: 'up' | 'preview',
  history?: object,
  computed?: Computed,
): Promise<Recording> {
  const config = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `iot-platform:${key}`,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
  return record({
    project: 'iot-platform',
    stack,
    config,
    mode,
    stackOutputs: history === undefined ? {} : { [`organization/iot-platform/${stack}`]: { deployed: history } },
    ...(computed === undefined ? {} : { computed }),
    program: run,
  });
}
