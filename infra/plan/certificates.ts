import { DevicesSettings } from '../../runtime/contracts/settings/services.ts';
import type { Tier } from '../tiers.ts';
import { figures } from './figures.ts';
import { count, type Load, type Sized, step } from './load.ts';
import { priceOf } from './prices.ts';
import type { Plan } from './types.ts';

const f = figures;
/** Days of a month, as 730 hours are. */
const days = 730 / 24;

/** Shares of a month's certificates at each of CAS's three prices. */
export function certificateQuantities(caTier: Tier['authority']['caTier'], monthly: number): [string, number][] {
  const base = caTier === 'ENTERPRISE' ? 'cas.enterprise.certificate' : 'cas.devops.certificate';
  return [
    [base, Math.min(monthly, 50_000)],
    [`${base}.50k`, Math.min(Math.max(monthly - 50_000, 0), 50_000)],
    [`${base}.100k`, Math.max(monthly - 100_000, 0)],
  ];
}

export const caPrice = (caTier: Tier['authority']['caTier']): string =>
  caTier === 'ENTERPRISE' ? 'cas.enterprise.ca' : 'cas.devops.ca';
export const keyPrices = (protection: Tier['authority']['keyProtection']) =>
  protection === 'HSM'
    ? { version: 'kms.hsm.version', operation: 'kms.hsm.operation' }
    : { version: 'kms.software.version', operation: 'kms.software.operation' };

export type Certificates = Plan['certificates'] & { monthly: number };

/** Device certificates by CAS and by our issuer with a key in KMS, side by side: rates, authorities, dollars. */
export function certificatesOf(load: Load, tier: Tier): Sized<Certificates> {
  const { caTier, keyProtection } = tier.authority;
  const lifetime = DevicesSettings.shape.IOT_CERTIFICATE_DAYS.parse(undefined) as number;
  const perDay = load.devices / (lifetime * f.renewAt.value);
  const monthly = perDay * days;
  const rate = (caTier === 'ENTERPRISE' ? f.enterpriseCertificates : f.devopsCertificates).value;
  const wanted = load.devices / (f.reenrolHours.value * 3_600);
  const authorities = Math.max(1, Math.ceil(wanted / rate));
  const byCas =
    authorities * priceOf(caPrice(caTier)).usd +
    certificateQuantities(caTier, monthly).reduce((sum, [id, quantity]) => sum + quantity * priceOf(id).usd, 0);
  const key = keyPrices(keyProtection);
  const byKms = priceOf(key.version).usd + (monthly / 10_000) * priceOf(key.operation).usd;
  return {
    value: {
      perDay,
      monthly,
      authorities,
      monthlyByCas: byCas,
      monthlyByKms: byKms,
      reenrolHoursByCas: load.devices / (authorities * rate) / 3_600,
      reenrolHoursByKms: load.devices / f.kmsSignatures.value / 3_600,
    },
    steps: [
      step('certificates a day', `${count(load.devices)} devices / (${lifetime} days × 2/3)`, count(perDay)),
      step(
        'authorities of CAS',
        `${count(load.devices)} devices / ${f.reenrolHours.value} h = ${count(wanted)}/s / ${rate}/s a CA`,
        count(authorities),
      ),
    ],
  };
}
