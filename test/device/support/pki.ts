import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, createRequest } from '../../../runtime/device/enrol.ts';
import { publicKeyOfCsr } from '../../../runtime/devices/authority/csr.ts';
import {
  ensureLocalAuthority,
  ensureServerCertificate,
  loadIssuer,
} from '../../../runtime/devices/authority/local-authority.ts';

/** The real local authority in a folder of its own, and what it takes to be a device or the gateway under it. */
export async function testAuthority() {
  const dir = await mkdtemp(join(tmpdir(), 'iot-test-ca-'));
  const ca = join(dir, 'ca');
  const tlsDir = join(dir, 'tls');
  await ensureLocalAuthority(ca);
  await ensureServerCertificate(ca, tlsDir, ['localhost', '127.0.0.1']);
  const issuer = await loadIssuer(ca);
  const sign = async (device: string, csr: string) =>
    (
      await issuer.issue({
        tenant: 'main',
        device,
        publicKey: await publicKeyOfCsr(csr),
        serial: Buffer.from(crypto.getRandomValues(new Uint8Array(16)))
          .toString('hex')
          .replace(/^./, '1'),
        notBefore: new Date(Date.now() - 60_000),
        notAfter: new Date(Date.now() + 86_400_000),
      })
    ).certificate;
  return {
    tlsDir,
    chain: issuer.chain,
    trust: issuer.trust,
    sign,
    async device(id: string): Promise<Credentials> {
      const { key, csr } = await createRequest(id);
      return { key, cert: (await sign(id, csr)) + issuer.chain, ca: issuer.trust };
    },
    server: async () => ({
      key: await readFile(join(tlsDir, 'server.key'), 'utf8'),
      cert: await readFile(join(tlsDir, 'server.pem'), 'utf8'),
      ca: await readFile(join(tlsDir, 'devices-ca.pem'), 'utf8'),
    }),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
