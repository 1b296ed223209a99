import { createPublicKey, X509Certificate } from 'node:crypto';
import type pg from 'pg';
import { signByPool } from '../../platform/google/ca-pool.ts';
import type { Google } from '../../platform/google/google.ts';
import { type DeviceCertificatePlan, deviceUri } from './issuance.ts';
import { described, type Issuer } from './issuer.ts';
import { authorityOf, storeAuthority, trustedAuthorities } from './issuing-authorities.ts';
import { x509 } from './x509.ts';

/** Beyond any device certificate: the pool itself lets none outlive its CA. */
const unbounded = new Date(8.64e15);

/**
 * Has Certificate Authority Service sign devices' certificates. The name and usages are ours, by configuration; the serial
 * and the exact times are Google's. CAs that it meets are remembered in the core database, for the gateways' trust.
 */
export function casIssuer({ google, core }: { google: Google; core: Pick<pg.Pool, 'query'> }, pool: string): Issuer {
  const known = new Set<string>();
  const remember = async (chain: readonly string[]): Promise<void> => {
    const [ca = '', ...above] = chain;
    if (known.has(ca)) return;
    await storeAuthority(core, pool, pool, authorityOf(ca, above.length === 0 ? [ca] : above));
    known.add(ca);
  };
  return {
    notAfter: unbounded,
    trusted: () => trustedAuthorities(core),
    stop: () => undefined,
    async issue(plan) {
      const {
        certificate: text,
        chain,
        root,
      } = await signByPool(google, pool, {
        config: configOf(plan),
        lifetimeSeconds: Math.floor((plan.notAfter.getTime() - plan.notBefore.getTime()) / 1_000),
        idempotencyKey: plan.serial,
      });
      const certificate = new X509Certificate(text);
      if (!certificate.publicKey.equals(keyOf(plan)))
        throw new Error(`${pool} signed another key than that of device '${plan.device}'`);
      if (certificate.subjectAltName !== `URI:${deviceUri(plan.tenant, plan.device)}`)
        throw new Error(`${pool} signed the names ${certificate.subjectAltName} for device '${plan.device}'`);
      await remember(chain);
      return {
        serial: certificate.serialNumber.toLowerCase(),
        notBefore: certificate.validFromDate,
        notAfter: certificate.validToDate,
        ...described(new x509.X509Certificate(text)),
        chain: chain.slice(0, -1).join(''),
        trust: root,
      };
    },
  };
}

const keyOf = (plan: DeviceCertificatePlan) =>
  createPublicKey({ key: Buffer.from(plan.publicKey), format: 'der', type: 'spki' });

/** https://cloud.google.com/certificate-authority-service/docs/reference/rest/v1/CertificateConfig */
function configOf(plan: DeviceCertificatePlan): unknown {
  const pem = keyOf(plan).export({ type: 'spki', format: 'pem' });
  return {
    publicKey: { format: 'PEM', key: Buffer.from(pem).toString('base64') },
    subjectConfig: {
      subject: { organization: plan.tenant, commonName: plan.device },
      subjectAltName: { uris: [deviceUri(plan.tenant, plan.device)] },
    },
    x509Config: {
      caOptions: { isCa: false },
      keyUsage: { baseKeyUsage: { digitalSignature: true }, extendedKeyUsage: { clientAuth: true } },
    },
  };
}
