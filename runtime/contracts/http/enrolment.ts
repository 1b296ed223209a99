import { z } from 'zod';
import { plainClaimCode } from '../claim-code.ts';
import { DeviceId, DeviceTypeId } from '../identifiers.ts';
import { IssuedCertificate, Reason, Tag } from './devices.ts';
import { Cursor, Limit, type Operation, page } from './operation.ts';

const Time = z.iso.datetime();
const Tags = z.array(Tag).max(32);

export const claimCodeStatuses = ['open', 'used', 'expired', 'revoked'] as const;

/** How the id of a device begins that a code or a factory CA may register. */
export const DevicePrefix = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9\-_.~%]{0,199}$/,
    'a prefix starts with a letter and has 1 to 200 of: letters, digits, - _ . ~ %',
  )
  .meta({ example: 'pump-' });

export const ClaimCode = z
  .object({
    id: z.string().meta({ description: 'Names the code without being it' }),
    type: DeviceTypeId,
    device: DeviceId.nullable().meta({ description: 'The only device that it is for' }),
    prefix: z.string().nullable().meta({ description: 'How the id of its device begins' }),
    tags: z.array(Tag),
    status: z.enum(claimCodeStatuses),
    createdAt: Time,
    createdBy: z.string(),
    expiresAt: Time,
    usedAt: Time.nullable(),
    usedBy: DeviceId.nullable().meta({ description: 'The device that enrolled with it' }),
  })
  .meta({ id: 'ClaimCode' });
export type ClaimCode = z.infer<typeof ClaimCode>;

export const NewClaimCodes = z
  .strictObject({
    count: z.int().min(1).max(1_000).default(1),
    type: DeviceTypeId.default('generic').meta({ description: 'Type of the device that enrols' }),
    device: DeviceId.optional().meta({ description: 'Only this device, registered or not; then `count` is 1' }),
    prefix: DevicePrefix.optional(),
    tags: Tags.default([]),
    expiresInHours: z
      .int()
      .min(1)
      .max(2 * 365 * 24)
      .default(168),
  })
  .meta({ id: 'NewClaimCodes' });
export type NewClaimCodes = z.infer<typeof NewClaimCodes>;

/** The only answer that ever has the codes themselves. */
export const MintedClaimCodes = z
  .object({
    items: z.array(ClaimCode.extend({ code: z.string().meta({ example: '7T4NQ-0XWZR-5M2KD-8HJ3V' }) })),
  })
  .meta({ id: 'MintedClaimCodes' });
export type MintedClaimCodes = z.infer<typeof MintedClaimCodes>;

const Code = z
  .string()
  .max(64)
  .refine((text) => plainClaimCode(text) !== undefined, 'a claim code has 20 letters and digits in groups of five')
  .meta({ example: '7T4NQ-0XWZR-5M2KD-8HJ3V' });
export const Csr = z.string().min(100).max(8_192).meta({ description: 'PKCS #10 in PEM' });

/** What a device sends that has nothing but its claim code and a key of its own. */
export const ClaimRequest = z
  .strictObject({
    code: Code,
    device: DeviceId.optional().meta({
      description: 'The id it wants; else the common name of the request, else one is made up',
    }),
    csr: Csr,
  })
  .meta({ id: 'ClaimRequest' });
export type ClaimRequest = z.infer<typeof ClaimRequest>;

export const FactoryAuthority = z
  .object({
    id: z.string().meta({ description: "Head of the SHA-256 of the CA's public key" }),
    name: z.string(),
    subject: z.string(),
    status: z.enum(['pending', 'active', 'disabled']),
    challenge: z.string().nullable().meta({
      description: 'While pending: common name of the certificate that proves possession of the CA',
    }),
    type: DeviceTypeId,
    tags: z.array(Tag),
    devicePrefix: z.string(),
    takeOver: z.boolean(),
    notAfter: Time,
    createdAt: Time,
    updatedAt: Time,
  })
  .meta({ id: 'FactoryAuthority' });
export type FactoryAuthority = z.infer<typeof FactoryAuthority>;

const Pem = z.string().min(100).max(16_384);
export const NewFactoryAuthority = z
  .strictObject({
    name: z.string().min(1).max(200),
    certificate: Pem.meta({ description: 'PEM of a self-signed CA that signs devices itself' }),
    type: DeviceTypeId.default('generic').meta({ description: 'Type of the devices that register themselves' }),
    tags: Tags.default([]),
    devicePrefix: z.union([DevicePrefix, z.literal('')]).default(''),
    takeOver: z.boolean().default(false).meta({
      description: 'Whether a certificate may stand for a device that is registered already',
    }),
  })
  .meta({ id: 'NewFactoryAuthority' });
export type NewFactoryAuthority = z.infer<typeof NewFactoryAuthority>;

const authorityParams = z.object({
  authorityId: z.string().regex(/^[0-9a-f]{40}$/, 'the id of a factory CA is 40 hex digits'),
});

export const enrolmentOperations = [
  {
    id: 'createClaimCodes',
    method: 'POST',
    path: '/v1/claim-codes',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Enrolment',
    summary: 'Make claim codes, each good for one device; they are shown this once',
    body: NewClaimCodes,
    success: { status: 201, body: MintedClaimCodes },
    problems: [409, 413, 415, 422],
  },
  {
    id: 'listClaimCodes',
    method: 'GET',
    path: '/v1/claim-codes',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Enrolment',
    summary: 'Claim codes, newest first, without the codes',
    query: z.object({
      status: z.enum(claimCodeStatuses).optional(),
      cursor: Cursor.optional(),
      limit: Limit(50, 500),
    }),
    success: { status: 200, body: page(ClaimCode).meta({ id: 'ClaimCodePage' }) },
    problems: [],
  },
  {
    id: 'revokeClaimCode',
    method: 'POST',
    path: '/v1/claim-codes/{claimCodeId}/revoke',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Enrolment',
    summary: 'Make a claim code worthless; a device that enrolled with it stays',
    params: z.object({
      claimCodeId: z.string().regex(/^[0-9a-f]{16}$/, 'the id of a claim code is 16 hex digits'),
    }),
    body: Reason,
    success: { status: 200, body: ClaimCode },
    problems: [404, 413, 415],
  },
  {
    id: 'enrolDevice',
    method: 'POST',
    path: '/v1/enrol',
    service: 'devices',
    scope: null,
    tag: 'Enrolment',
    summary:
      'Trade a claim code and a certificate request for a certificate; the same code and key get it again for a day',
    body: ClaimRequest,
    success: { status: 201, body: IssuedCertificate },
    problems: [404, 409, 413, 415, 422],
  },
  {
    id: 'addFactoryAuthority',
    method: 'POST',
    path: '/v1/factory-authorities',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Enrolment',
    summary: "Add a maker's CA, whose devices are to register themselves; it is pending until it is activated",
    body: NewFactoryAuthority,
    success: { status: 201, body: FactoryAuthority },
    problems: [409, 413, 415, 422],
  },
  {
    id: 'listFactoryAuthorities',
    method: 'GET',
    path: '/v1/factory-authorities',
    service: 'devices',
    scope: 'devices:read',
    tag: 'Enrolment',
    summary: "Makers' CAs by id",
    query: z.object({ cursor: Cursor.optional(), limit: Limit(50, 500) }),
    success: { status: 200, body: page(FactoryAuthority).meta({ id: 'FactoryAuthorityPage' }) },
    problems: [],
  },
  {
    id: 'activateFactoryAuthority',
    method: 'POST',
    path: '/v1/factory-authorities/{authorityId}/activate',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Enrolment',
    summary: 'Trust a factory CA: with a certificate for its challenge, signed by it; an admin needs none',
    params: authorityParams,
    body: z
      .strictObject({ proof: Pem.optional().meta({ description: 'PEM of a certificate whose CN is the challenge' }) })
      .meta({ id: 'FactoryAuthorityActivationRequest' }),
    success: { status: 200, body: FactoryAuthority },
    problems: [404, 409, 413, 415, 422],
  },
  {
    id: 'disableFactoryAuthority',
    method: 'POST',
    path: '/v1/factory-authorities/{authorityId}/disable',
    service: 'devices',
    scope: 'devices:write',
    tag: 'Enrolment',
    summary: 'Trust a factory CA no more: sessions that came in by its certificates end within 5 seconds',
    params: authorityParams,
    body: Reason,
    success: { status: 200, body: FactoryAuthority },
    problems: [404, 413, 415],
  },
] as const satisfies readonly Operation[];
