import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Google } from './google.ts';

export type CaRequest = {
  lifetimeSeconds: number;
  /** Full name of a certificate template, where the pool demands one. */
  template?: string | undefined;
  /**
   * The same for every try of one request, another for the next one: Google then signs once. The certificate's id and the
   * request's id follow from it.
   */
  idempotencyKey: string;
} & (
  | { /** PKCS #10, PEM. */ csr: string }
  /** A CertificateConfig of the API, for pools that take names from the caller alone. */
  | { config: unknown }
);

/** PEM, each with a line end. `chain` goes from the issuer up to the root, which is its last. */
export type CaAnswer = { certificate: string; chain: readonly string[]; root: string };

const Answer = z.object({
  pemCertificate: z.string().min(1),
  pemCertificateChain: z.array(z.string().min(1)).min(1),
});

/**
 * Has a pool of Certificate Authority Service sign a request.
 * https://cloud.google.com/certificate-authority-service/docs/reference/rest/v1/projects.locations.caPools.certificates/create
 * @param pool `projects/P/locations/L/caPools/POOL`. @throws GoogleError
 */
export async function signByPool(google: Google, pool: string, request: CaRequest): Promise<CaAnswer> {
  const hash = createHash('sha256').update(`${pool}\n${request.idempotencyKey}`).digest();
  const answer = Answer.parse(
    await google.call({
      api: 'privateca',
      method: 'POST',
      path: `v1/${pool}/certificates`,
      query: { certificateId: `c-${hash.toString('hex').slice(0, 40)}`, requestId: uuidOf(hash) },
      body: {
        ...('csr' in request ? { pemCsr: request.csr } : { config: request.config }),
        lifetime: `${request.lifetimeSeconds}s`,
        ...(request.template === undefined ? {} : { certificateTemplate: request.template }),
      },
      repeatable: true,
    }),
  );
  const chain = answer.pemCertificateChain.map(line);
  return { certificate: line(answer.pemCertificate), chain, root: chain.at(-1) as string };
}

const line = (pem: string) => `${pem.trim()}\n`;

/** RFC 9562 version 8: a UUID of our own making. */
function uuidOf(hash: Buffer): string {
  const bytes = Buffer.from(hash.subarray(0, 16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
