import { z } from 'zod';

/** `data` of identity changes, by kind: what a gateway needs to judge a device without asking anybody. */

/** `factory-authority`: a maker's CA of a tenant, in force or not any more. */
export const FactoryAuthorityData = z.object({
  status: z.enum(['active', 'disabled']),
  /** PEM. */
  certificate: z.string(),
  devicePrefix: z.string(),
});
export type FactoryAuthorityData = z.infer<typeof FactoryAuthorityData>;

/** `factory-certificate`: a maker's certificate that is registered, so that its device comes in without a question. */
export const FactoryCertificateData = z.object({ authority: z.string() });
export type FactoryCertificateData = z.infer<typeof FactoryCertificateData>;

export const jwtAlgorithms = ['ES256', 'RS256'] as const;
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** `keys`: all public keys of a device from now on. */
export const KeysData = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      algorithm: z.enum(jwtAlgorithms),
      /** SubjectPublicKeyInfo, DER, base64. */
      spki: z.string(),
      /** Epoch milliseconds. */
      expiresAt: z.number().nullable(),
    }),
  ),
});
export type KeysData = z.infer<typeof KeysData>;

/** `device-access`: how a tenant's devices may log in without a certificate, from now on. */
export const DeviceAccessData = z.object({ jwt: z.boolean(), audiences: z.array(z.string()) });
export type DeviceAccessData = z.infer<typeof DeviceAccessData>;
