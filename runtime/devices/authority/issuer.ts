import { createHash } from 'node:crypto';
import { type Authority, type DeviceCertificatePlan, issueDeviceCertificate } from './issuance.ts';
import type { x509 } from './x509.ts';

export type IssuedDeviceCertificate = {
  /** Lower-case hex. The plan's, but where the authority has serials of its own. */
  serial: string;
  notBefore: Date;
  notAfter: Date;
  /** PEM. */
  certificate: string;
  /** SHA-256 of the DER, lower-case hex. */
  fingerprint256: string;
  /** PEM of the issuing CA and up, root excluded: what a device sends after its own certificate. */
  chain: string;
  /** PEM of the root: what a device trusts for the gateway. */
  trust: string;
};

/**
 * Signs device certificates. The plan is complete before it comes here: one issuer has its key in a file, one in KMS, one
 * has Certificate Authority Service sign.
 */
export interface Issuer {
  /** @throws when the authority does not answer, or answers something else than was asked. */
  issue(plan: DeviceCertificatePlan): Promise<IssuedDeviceCertificate>;
  /** PEM of each CA below which a device's certificate is good, each with a line end: what gateways trust for devices. */
  trusted(): Promise<readonly string[]>;
  /** No certificate outlives the issuing CA. */
  readonly notAfter: Date;
  /** Ends what it does in the background. */
  stop(): void;
}

/** Knows its CA from the start: the same `chain` and `trust` for all that it issues. */
export type KeyIssuer = Issuer & Readonly<Pick<IssuedDeviceCertificate, 'chain' | 'trust'>>;

/** An issuer that signs by a CA's key: one that this process holds, or one in KMS that looks like it. */
export function keyIssuer(issuing: Authority, rootPem: string, between = ''): KeyIssuer {
  const chain = pem(issuing.certificate) + between;
  return {
    chain,
    trust: rootPem,
    notAfter: issuing.certificate.notAfter,
    trusted: async () => [pem(issuing.certificate), ...(between === '' ? [] : [between]), rootPem],
    stop: () => undefined,
    async issue(plan) {
      const certificate = await issueDeviceCertificate(issuing, plan);
      const { serial, notBefore, notAfter } = plan;
      return { serial, notBefore, notAfter, ...described(certificate), chain, trust: rootPem };
    },
  };
}

export function described(certificate: x509.X509Certificate): { certificate: string; fingerprint256: string } {
  return {
    certificate: pem(certificate),
    fingerprint256: createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex'),
  };
}

/** PEM with a line end, so that files made of several can be read by all tools. */
export function pem(certificate: { toString(format: 'pem'): string }): string {
  return `${certificate.toString('pem').trim()}\n`;
}
