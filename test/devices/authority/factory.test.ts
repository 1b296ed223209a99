import { randomBytes, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkFactory } from '../../../runtime/devices/authority/factory.ts';
import { createIntermediate, createRoot } from '../../../runtime/devices/authority/issuance.ts';

const now = Date.now();
const year = 365 * 86_400_000;
const root = await createRoot('Maker', 1, () => now, randomBytes);
const certificateOf = ({ certificate }: { certificate: { toString(format: 'pem'): string } }) =>
  new X509Certificate(certificate.toString('pem'));

describe("a maker's CA", () => {
  it('is good as a self-signed root', () => expect(checkFactory(certificateOf(root), [], now)).toBeUndefined());

  it('is refused as an intermediate, which a running TLS server cannot be given to trust', async () => {
    const below = await createIntermediate(root, 'Maker below', 'devices', 1, () => now, randomBytes);
    expect(() => checkFactory(certificateOf(below), [], now)).toThrow(/self-signed/);
  });

  it('is refused when it is over, or not yet begun', () => {
    expect(() => checkFactory(certificateOf(root), [], now + year)).toThrow(/valid from/);
    expect(() => checkFactory(certificateOf(root), [], now - 3_600_000)).toThrow(/valid from/);
  });

  it('is refused beside one of the same name, or of the same key', async () => {
    const twin = await createRoot('Maker', 1, () => now, randomBytes);
    expect(() => checkFactory(certificateOf(root), [certificateOf(twin)], now)).toThrow(/trusted already/);
    expect(() => checkFactory(certificateOf(root), [certificateOf(root)], now)).toThrow(/trusted already/);
  });
});
