import { beforeAll, describe, expect, test } from 'vitest';
import type { Registration } from '../../../infra/recording/record.ts';
import { allRecordings } from '../support/recordings.ts';
import { abnormal, forms, leaves, lists } from './normal-forms.ts';
import { orders } from './orders.ts';

/** Google's resources of all tiers; those that several share are judged once. */
let registrations: readonly Registration[];
beforeAll(async () => {
  const distinct = new Map<string, Registration>();
  for (const { recording } of await allRecordings())
    for (const each of recording.registrations)
      if (each.type.startsWith('gcp:')) distinct.set(`${each.type} ${JSON.stringify(each.inputs)}`, each);
  registrations = [...distinct.values()];
}, 60_000);

/** Empty on purpose: what is there is the message. The provider sends each, and takes an answer without it for the same. */
const emptyOnPurpose: readonly { type: RegExp; path: string }[] = [
  { type: /^gcp:firestore\/backupSchedule:/, path: 'dailyRecurrence' },
  { type: /^gcp:firestore\/field:/, path: 'indexConfig' },
  { type: /^gcp:firestore\/field:/, path: 'ttlConfig' },
  { type: /^gcp:certificateauthority\/authority:/, path: 'config.x509Config.keyUsage.extendedKeyUsage' },
  { type: /^gcp:container\/cluster:/, path: 'maintenancePolicy.maintenanceExclusions' },
  { type: /^gcp:monitoring\/alertPolicy:/, path: 'notificationChannels' },
];

describe('recorded inputs are what the API answers with, so that a second `up` changes nothing', () => {
  test('each value is in its form', () => {
    expect(abnormal(registrations)).toEqual([]);
  });

  test('each list has an order that the API keeps, and no line is for a list that is not there', () => {
    const found = lists(registrations);
    const known = new Map(orders.map((each) => [`${each.type} ${each.path}`, each.order]));
    expect([...found.keys()].filter((key) => !known.has(key)).sort()).toEqual([]);
    expect([...known.keys()].filter((key) => !found.has(key)).sort()).toEqual([]);
    for (const [key, all] of found)
      for (const { urn, values } of all)
        expect([urn, key, values]).toEqual([urn, key, ordered(values, known.get(key))]);
  });

  test('nothing is empty but on purpose: an API leaves it out of its answer', () => {
    const empty = registrations.flatMap(({ type, inputs }) =>
      leaves(inputs)
        .filter(({ value }) => typeof value === 'object' && value !== null)
        .map(({ path }) => ({ type, path })),
    );
    const meant = ({ type, path }: { type: string; path: string }) =>
      emptyOnPurpose.filter((each) => each.type.test(type) && each.path === path);
    expect(empty.filter((each) => meant(each).length === 0)).toEqual([]);
    const used = new Set(empty.flatMap(meant));
    expect(emptyOnPurpose.filter((each) => !used.has(each))).toEqual([]);
  });
});

describe('a planted fault is found', () => {
  test.each(forms.map((form) => [form.name, form] as const))('%s', (_name, form) => {
    const places = registrations.flatMap((registration) =>
      leaves(registration.inputs)
        .filter(({ value, path }) => form.about(value, path, registration.type))
        .map((leaf) => ({ registration, ...leaf })),
    );
    expect(places.length, 'the programs have no such value: take the form out').toBeGreaterThan(0);
    // One of each type and path: all of them would be thousands.
    const distinct = new Map(places.map((place) => [`${place.registration.type} ${place.path}`, place]));
    for (const { registration, path, value } of distinct.values()) {
      const inputs = planted(registration.inputs, path, form.fault(value as never));
      const found = abnormal([{ ...registration, inputs }]).filter((each) => each.form === form.name);
      expect(
        found.map((each) => each.path),
        `${registration.type} ${path}`,
      ).toContain(path);
    }
  });

  test('a list out of order', () => {
    for (const [key, all] of lists(registrations)) {
      const order = orders.find((each) => `${each.type} ${each.path}` === key)?.order;
      if (order === undefined || order === 'set' || order === 'kept') continue;
      for (const { values } of all)
        expect(ordered([...values].reverse(), order), key).not.toEqual([...values].reverse());
    }
  });
});

function ordered(values: readonly unknown[], order: (typeof orders)[number]['order'] | undefined): unknown[] {
  if (order === 'sorted') return [...values].sort();
  if (Array.isArray(order)) return [...values].sort((a, b) => order.indexOf(String(a)) - order.indexOf(String(b)));
  return [...values];
}

/** A copy with another value at the first place of this path; lists are gone through at their first element. */
function planted(inputs: unknown, path: string, value: unknown): Record<string, unknown> {
  const copy = structuredClone(inputs) as Record<string, unknown>;
  const steps = path.replaceAll('[]', '.[]').split('.');
  const put = (at: unknown, [step = '', ...rest]: readonly string[]): boolean => {
    const keys = step === '[]' ? Object.keys(at as object) : longest(at, [step, ...rest]);
    for (const key of keys) {
      const left = step === '[]' ? rest : [step, ...rest].slice(key.split('.').length);
      const holder = at as Record<string, unknown>;
      if (left.length === 0) {
        holder[key] = value;
        return true;
      }
      if (typeof holder[key] === 'object' && holder[key] !== null && put(holder[key], left)) return true;
    }
    return false;
  };
  if (!put(copy, steps)) throw new Error(`no ${path}`);
  return copy;
}

/** Keys may have dots of their own, as labels and engine settings do. */
function longest(at: unknown, steps: readonly string[]): string[] {
  return steps
    .map((_, n) => steps.slice(0, n + 1).join('.'))
    .filter((key) => typeof at === 'object' && at !== null && Object.hasOwn(at, key));
}
