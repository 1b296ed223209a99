import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import {
  backdateMs,
  createIntermediate,
  createRoot,
  issueDeviceCertificate,
  leafValidity,
  newSerial,
} from '../../../runtime/devices/authority/issuance.ts';
import { newCsr } from '../../support/csr.ts';

const run = promisify(execFile);
const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
const day = 86_400_000;

describe('issuance', () => {
  it('serials are positive, of 16 bytes, whatever the random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const serial = newSerial(() => bytes);
        expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
        expect(serial.slice(2)).toBe(Buffer.from(bytes).toString('hex').slice(2));
      }),
    );
  });

  it('no leaf outlives its issuer, and each begins a little before now', () => {
    const now = Date.UTC(2026, 10, 22);
    const long = leafValidity(90, now, new Date(now + 10 * day));
    expect(long.notAfter.getTime()).toBe(now + 10 * day);
    const short = leafValidity(90, now, new Date(now + 1_000 * day));
    expect(short.notAfter.getTime()).toBe(now + 90 * day);
    expect(short.notBefore.getTime()).toBe(now - backdateMs);
  });

  it('a client certificate signed by the CA for servers is worth nothing: the CA is for its purpose only', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'iot-test-issuance-'));
    try {
      const root = await createRoot('root', 1, Date.now, random);
      const publicKey = await publicKeyOfCsr((await newCsr()).csr);
      const verify = async (purpose: 'devices' | 'servers') => {
        const ca = await createIntermediate(root, purpose, purpose, 1, Date.now, random);
        const leaf = await issueDeviceCertificate(ca, {
          tenant: 'main',
          device: 'victim',
          serial: newSerial(random),
          publicKey,
          ...leafValidity(1, Date.now(), ca.certificate.notAfter),
        });
        const file = (name: string) => join(dir, `${purpose}-${name}.pem`);
        await writeFile(file('root'), root.certificate.toString('pem'));
        await writeFile(file('ca'), ca.certificate.toString('pem'));
        await writeFile(file('leaf'), leaf.toString('pem'));
        const chain = ['-CAfile', file('root'), '-untrusted', file('ca'), file('leaf')];
        return await run('openssl', ['verify', '-purpose', 'sslclient', ...chain]);
      };
      expect((await verify('devices')).stdout).toContain('OK');
      await expect(verify('servers')).rejects.toThrow(/purpose/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
