import { describe, expect, test } from 'vitest';
import { figures } from '../../../infra/plan/figures.ts';
import { pricedTypes } from '../../../infra/plan/priced-types.ts';
import { priceFile, priceOf } from '../../../infra/plan/prices.ts';
import type { CostLine } from '../../../infra/plan/types.ts';
import type { Registration } from '../../../infra/recording/record.ts';
import { environmentOf } from '../../../infra/settings/environment.ts';
import { readStackSettings } from '../../../infra/settings/read.ts';
import type { TierName } from '../../../infra/tiers.ts';
import { type Given, recordStack } from '../support/environments.ts';

const domain = { domain: 'iot.example.com' };
const stacks: Record<TierName, Given> = {
  ephemeral: { tier: 'ephemeral', devices: 50 },
  dev: { tier: 'dev', devices: 1_000, clusterMode: 'standard', deviceCertificates: 'cas' },
  staging: { tier: 'staging', devices: 5_000, ...domain },
  prod: {
    tier: 'prod',
    devices: 55_000,
    ...domain,
    budget: { billingAccount: '012345-6789AB-CDEF01', monthly: 10 },
    ci: { repository: 'example/iot', branch: 'main' },
    alertEmails: ['ops@example.com'],
  },
};
const settingsOf = (tier: TierName): Given => ({ project: 'iot-test-1', region: 'europe-west1', ...stacks[tier] });

type Both = { created: readonly Registration[]; lines: readonly CostLine[] };
const made = new Map<TierName, Promise<Both>>();

/** What the program of a tier creates, and what its plan says that it costs; recorded once. */
function bothOf(tier: TierName): Promise<Both> {
  const both = made.get(tier) ?? recordBoth(tier);
  made.set(tier, both);
  return both;
}

async function recordBoth(tier: TierName): Promise<Both> {
  const { registrations } = await recordStack(tier, settingsOf(tier), 'up');
  const config = Object.fromEntries(
    Object.entries(settingsOf(tier)).map(([key, value]) => [
      `iot-platform:${key}`,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  );
  const settings = readStackSettings(tier, 'iot-platform', config);
  if (settings.program === 'preview') throw new Error('unreachable: these are environments');
  const { plan } = environmentOf(tier, settings, null).environment;
  return { created: registrations.filter(({ custom }) => custom), lines: plan.cost.lines };
}

describe.each(Object.keys(stacks) as TierName[])('%s', (tier) => {
  test('every type that it creates is priced or named free', async () => {
    const { created } = await bothOf(tier);
    expect(created.length).toBeGreaterThan(20);
    const missing = [...new Set(created.map(({ type }) => type))].filter((type) => pricedTypes[type] === undefined);
    expect(missing, 'add them to infra/plan/priced-types.ts with a price or the reason why they are free').toEqual([]);
  });

  test('every type that costs something has a line on its bill, and no line is for what it does not create', async () => {
    const { created, lines } = await bothOf(tier);
    const billed = new Set(lines.map(({ price }) => price));
    const types = [...new Set(created.map(({ type }) => type))];
    const pricesOf = (type: string): readonly string[] => {
      const priced = pricedTypes[type];
      return priced !== undefined && 'prices' in priced ? priced.prices : [];
    };
    const unbilled = types.filter((type) => pricesOf(type).length > 0 && !pricesOf(type).some((id) => billed.has(id)));
    expect(unbilled).toEqual([]);
    const used = new Set(types.flatMap(pricesOf));
    expect([...billed].filter((id) => !used.has(id))).toEqual([]);
  });

  test('the bill counts what is created', async () => {
    const { created, lines } = await bothOf(tier);
    const number = (type: string) => created.filter((each) => each.type === type).length;
    const quantity = (...ids: string[]) =>
      lines.filter(({ price }) => ids.includes(price)).reduce((sum, each) => sum + each.quantity, 0);
    expect({
      authorities: quantity('cas.enterprise.ca', 'cas.devops.ca'),
      keys: quantity('kms.hsm.version', 'kms.software.version'),
      'databases and caches': quantity('psc.endpoint') / priceFile.hoursAMonth,
      clusters: quantity('gke.cluster') / priceFile.hoursAMonth,
      zones: quantity('dns.zone'),
      policies: quantity('armor.policy'),
    }).toEqual({
      authorities: number('gcp:certificateauthority/authority:Authority'),
      keys: number('gcp:kms/cryptoKey:CryptoKey'),
      'databases and caches':
        number('gcp:sql/databaseInstance:DatabaseInstance') + number('gcp:memorystore/instance:Instance'),
      clusters: number('gcp:container/cluster:Cluster'),
      zones: number('gcp:dns/managedZone:ManagedZone'),
      policies: number('gcp:compute/securityPolicy:SecurityPolicy'),
    });
  });
});

describe('the price file', () => {
  test('each price has a source, a date that is not in the future of the file, and a number', () => {
    for (const price of priceFile.prices) {
      expect(price.source, price.id).toMatch(/^https:\/\//);
      expect(price.date, price.id).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      expect(price.date <= priceFile.priced, price.id).toBe(true);
      expect(price.usd, price.id).toBeGreaterThan(0);
      expect(price.unit, price.id).not.toBe('');
    }
  });

  test('a price that counts as verified is from a page of the vendor', () => {
    for (const price of priceFile.prices.filter(({ verified }) => verified))
      expect(price.source, price.id).toMatch(/^https:\/\/cloud\.google\.com\//);
  });

  test('no id twice, none that no type is billed by, none that is missing', () => {
    const ids = priceFile.prices.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const used = new Set(Object.values(pricedTypes).flatMap((each) => ('prices' in each ? each.prices : [])));
    expect([...used].filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.filter((id) => !used.has(id))).toEqual([]);
    expect(() => priceOf('gke.clusters')).toThrow(/has no price 'gke\.clusters'/);
  });

  test('whoever is free says why', () => {
    for (const [type, priced] of Object.entries(pricedTypes))
      if ('free' in priced) expect(priced.free.length, type).toBeGreaterThan(10);
  });
});

test('every figure says where it comes from', () => {
  for (const [name, figure] of Object.entries(figures)) {
    expect(figure.value, name).toBeGreaterThan(0);
    expect(figure.source.length, name).toBeGreaterThan(8);
    if (figure.basis === 'vendor') expect(figure.source, name).toContain('https://cloud.google.com/');
  }
});
