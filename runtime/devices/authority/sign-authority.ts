import { X509Certificate } from 'node:crypto';
import { type CaAnswer, signByPool } from '../../platform/google/ca-pool.ts';
import type { Google } from '../../platform/google/google.ts';
import type { SigningKey } from '../../platform/google/signing-key.ts';
import { authorityOf, type IssuingAuthority } from './issuing-authorities.ts';
import { remoteKeys } from './remote-key.ts';
import { x509 } from './x509.ts';

const hour = 3_600_000;

/** Whether the issuing CA needs a new certificate: it has none, or two thirds of this one's life are over. Pure. */
export function isDue(present: Pick<IssuingAuthority, 'certificate'> | undefined, now: number): boolean {
  if (present === undefined) return true;
  const { validFromDate, validToDate } = new X509Certificate(present.certificate);
  const [begins, ends] = [validFromDate.getTime(), validToDate.getTime()];
  return now > ends - (ends - begins) / 3;
}

/**
 * Has the root sign a certificate for the issuing CA's key: the request proves possession, signed by KMS itself.
 * @throws GoogleError; Error when what came back is not the CA that devices' certificates need.
 */
export async function signAuthority(
  google: Google,
  key: SigningKey,
  root: { pool: string; template: string | undefined; years: number },
  now: number,
): Promise<IssuingAuthority> {
  const answer = await signByPool(google, root.pool, {
    csr: await requestOf(key, root.template === undefined),
    lifetimeSeconds: root.years * 365 * 86_400,
    template: root.template,
    // A run that died after the signature gets the same certificate again, for as long as Google remembers requests.
    idempotencyKey: `${key.name} ${root.template ?? ''} ${Math.floor(now / hour)}`,
  });
  check(answer, key);
  return authorityOf(answer.certificate, answer.chain);
}

/** @param whole with what a template would otherwise say. */
async function requestOf(key: SigningKey, whole: boolean): Promise<string> {
  const { publicKey, privateKey, crypto } = await remoteKeys(key);
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: [{ CN: ['IoT platform devices CA'] }],
      keys: { publicKey, privateKey },
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: whole
        ? [
            new x509.BasicConstraintsExtension(true, 0, true),
            new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
            new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
          ]
        : [],
    },
    crypto,
  );
  return request.toString('pem');
}

/** A CA for devices and nothing else, with our key, below the root that came with it. */
function check({ certificate, chain, root }: CaAnswer, key: SigningKey): void {
  const leaf = new X509Certificate(certificate);
  const refuse = (why: string) =>
    new Error(`the root pool signed no CA for devices: ${why}; look at its certificate template`);
  if (!leaf.publicKey.equals(key.publicKey)) throw refuse('the certificate is for another key');
  const parsed = new x509.X509Certificate(certificate);
  const constraints = parsed.getExtension(x509.BasicConstraintsExtension);
  if (constraints?.ca !== true || constraints.pathLength !== 0) throw refuse('it is no CA with path length 0');
  const usages = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
  if (usages.length !== 1 || usages[0] !== x509.ExtendedKeyUsage.clientAuth)
    throw refuse('its extended key usage is not client authentication alone');
  let child = leaf;
  for (const pem of chain) {
    const issuer = new X509Certificate(pem);
    if (!child.checkIssued(issuer) || !child.verify(issuer.publicKey)) throw refuse('its chain does not hold');
    child = issuer;
  }
  const top = new X509Certificate(root);
  if (!top.verify(top.publicKey)) throw refuse('its chain does not end in a root');
}
