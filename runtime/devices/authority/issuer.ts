import { createHash } from 'node:crypto';
import { type Authority, type DeviceCertificatePlan, issueDeviceCertificate } from './issuance.ts';

export type IssuedDeviceCertificate = {
  /** PEM. */
  certificate: string;
  /** SHA-256 of the DER, lower-case hex. */
  fingerprint256: string;
};

/**
 * Signs device certificates. The plan is complete before it comes here, so that an issuer decides nothing: one with
 * its key in a file (below), one with its key in KMS.
 */
export interface Issuer {
  issue(plan: DeviceCertificatePlan): Promise<IssuedDeviceCertificate>;
  /** PEM of the issuing CA and up, root excluded: what a device sends after its own certificate. */
  readonly chain: string;
  /** PEM of the root: what a device trusts for the gateway. */
  readonly trust: string;
  /** No certificate outlives the issuing CA. */
  readonly notAfter: Date;
}

/** An issuer whose key this process holds. */
export function keyIssuer(issuing: Authority, rootPem: string): Issuer {
  return {
    chain: pem(issuing.certificate),
    trust: rootPem,
    notAfter: issuing.certificate.notAfter,
    async issue(plan) {
      const certificate = await issueDeviceCertificate(issuing, plan);
      return {
        certificate: pem(certificate),
        fingerprint256: createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex'),
      };
    },
  };
}

/** PEM with a line end, so that files made of several can be read by all tools. */
export function pem(certificate: { toString(format: 'pem'): string }): string {
  return `${certificate.toString('pem').trim()}\n`;
}
