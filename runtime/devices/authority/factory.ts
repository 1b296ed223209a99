import { createHash, X509Certificate } from 'node:crypto';
import { x509 } from './x509.ts';

/** Why a certificate may not be a factory CA; `message` says what is allowed. */
export class FactoryRefused extends Error {}

/** The one certificate in a PEM text. @throws FactoryRefused */
export function oneCertificate(pem: string): X509Certificate {
  if ((pem.match(/-----BEGIN /g) ?? []).length !== 1)
    throw new FactoryRefused('allowed is exactly one PEM block CERTIFICATE');
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new FactoryRefused('the PEM block holds no X.509 certificate', { cause: error });
  }
}

/** A CA goes by its key: whoever has a certificate of the same key is the same CA. */
export const authorityIdOf = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 40);

/**
 * Whether a certificate is of a CA that may sign devices' certificates. Its path length does not matter: only what it
 * signed itself counts, so a chain has one step. Pure.
 * @param known CAs in force, ours and other makers'. One of the same name would make chains of the two ambiguous.
 * @throws FactoryRefused
 */
export function checkFactory(certificate: X509Certificate, known: readonly X509Certificate[], now: number): void {
  const parsed = new x509.X509Certificate(certificate.raw);
  if (parsed.getExtension(x509.BasicConstraintsExtension)?.ca !== true)
    throw new FactoryRefused('it is no CA: basic constraints must say CA:TRUE');
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
  if (usages === undefined || (usages & x509.KeyUsageFlags.keyCertSign) === 0)
    throw new FactoryRefused('its key usage must have keyCertSign');
  // Node's TLS server cannot trust an intermediate alone: `setSecureContext` does not read `allowPartialTrustChain`.
  if (!certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey))
    throw new FactoryRefused('it must be self-signed, a root that signs devices itself');
  const purposes = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages;
  if (purposes?.includes(x509.ExtendedKeyUsage.clientAuth) === false)
    throw new FactoryRefused('its extended key usage, where it has one, must have client authentication');
  if (now < certificate.validFromDate.getTime() || now >= certificate.validToDate.getTime())
    throw new FactoryRefused(
      `it is valid from ${certificate.validFromDate.toISOString()} to ${certificate.validToDate.toISOString()} only`,
    );
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = certificate.publicKey;
  const curve = details.namedCurve === 'prime256v1' || details.namedCurve === 'secp384r1';
  if (!(type === 'ec' && curve) && !(type === 'rsa' && (details.modulusLength ?? 0) >= 2_048))
    throw new FactoryRefused('its key must be P-256, P-384 or RSA of 2048 bits at least');
  const same = known.find(
    (other) => other.subject === certificate.subject || authorityIdOf(other) === authorityIdOf(certificate),
  );
  if (same !== undefined) throw new FactoryRefused('a CA of this name or with this key is trusted already');
}

/** Whether `proof` says the challenge and the CA's key signed it. */
export function provesFactory(certificate: X509Certificate, challenge: string, proof: X509Certificate): boolean {
  return (
    proof.subject.split('\n').includes(`CN=${challenge}`) &&
    proof.checkIssued(certificate) &&
    proof.verify(certificate.publicKey)
  );
}
