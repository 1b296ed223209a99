import { randomBytes } from 'node:crypto';
import {
  type Authority,
  createIntermediate,
  createRoot,
  type Random,
} from '../../../runtime/devices/authority/issuance.ts';
import { x509 } from '../../../runtime/devices/authority/x509.ts';
import { type Api, refusal } from './server.ts';

type Pool = { ca: Authority; chain: Authority[]; csrOnly?: boolean };
type Asked = {
  pemCsr?: string;
  lifetime: string;
  certificateTemplate?: string;
  config?: {
    publicKey: { format: string; key: string };
    subjectConfig: { subject: { organization: string; commonName: string }; subjectAltName: { uris: string[] } };
  };
};

const random: Random = (bytes) => randomBytes(bytes);
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * Certificate Authority Service: pools `root`, `servers`, `devices` by the last part of their name, below one root. Signs
 * once for each request id, as Google does; a template named `issuing-ca` makes a CA for devices of any request.
 */
export async function privateCaApi(clock: () => number = Date.now) {
  const root = await createRoot('Test root', 10, clock, random);
  const servers = await createIntermediate(root, 'Test servers CA', 'servers', 5, clock, random);
  const devices = await createIntermediate(root, 'Test devices CA', 'devices', 5, clock, random);
  const pools: Record<string, Pool> = {
    root: { ca: root, chain: [root] },
    servers: { ca: servers, chain: [servers, root] },
    devices: { ca: devices, chain: [devices, root] },
  };
  const answered = new Map<string, unknown>();
  let signed = 0;

  const api: Api = async ({ method, path, query, body }) => {
    const [, parent, name] =
      /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/caPools\/([^/]+))\/certificates$/.exec(path) ?? [];
    const pool = pools[name ?? ''];
    if (method !== 'POST' || pool === undefined) return undefined;
    const { certificateId = '', requestId = '' } = query;
    if (!/^[a-zA-Z0-9_-]{1,63}$/.test(certificateId)) return refusal(400, 'INVALID_ARGUMENT', 'certificateId');
    if (!uuid.test(requestId)) return refusal(400, 'INVALID_ARGUMENT', 'requestId is no UUID');
    const before = answered.get(requestId);
    if (before !== undefined) return { body: before };
    const asked = body as Asked;
    if (!/^[1-9]\d*s$/.test(asked.lifetime)) return refusal(400, 'INVALID_ARGUMENT', 'lifetime');
    const certificate = await sign(pool, asked, clock);
    signed += 1;
    const pems = pool.chain.map((ca) => ca.certificate.toString('pem'));
    const answer = {
      name: `${parent}/certificates/${certificateId}`,
      pemCertificate: certificate.toString('pem'),
      pemCertificateChain: pems,
      lifetime: asked.lifetime,
    };
    answered.set(requestId, answer);
    return { body: answer };
  };
  return { api, root, signed: () => signed };
}

async function sign(pool: Pool, asked: Asked, clock: () => number): Promise<x509.X509Certificate> {
  const { publicKey, subject, extensions } = asked.config === undefined ? await ofCsr(asked) : ofConfig(asked.config);
  const begins = clock() - 1_000;
  return await x509.X509CertificateGenerator.create({
    serialNumber: `4f${randomBytes(15).toString('hex')}`,
    subject,
    issuer: pool.ca.certificate.subjectName.toJSON(),
    notBefore: new Date(begins),
    notAfter: new Date(
      Math.min(begins + Number.parseInt(asked.lifetime, 10) * 1_000, pool.ca.certificate.notAfter.getTime()),
    ),
    publicKey,
    signingKey: pool.ca.key,
    signingAlgorithm: signing,
    extensions,
  });
}

async function ofCsr({ pemCsr = '', certificateTemplate }: Asked) {
  const request = new x509.Pkcs10CertificateRequest(pemCsr);
  if (!(await request.verify())) throw new Error('the request is not signed by its key');
  const extensions = certificateTemplate?.endsWith('/issuing-ca')
    ? [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      ]
    : request.extensions;
  return { publicKey: new Uint8Array(request.publicKey.rawData), subject: request.subjectName.toJSON(), extensions };
}

function ofConfig({ publicKey, subjectConfig }: NonNullable<Asked['config']>) {
  const { subject, subjectAltName } = subjectConfig;
  const pem = Buffer.from(publicKey.key, 'base64').toString();
  return {
    publicKey: new Uint8Array(x509.PemConverter.decodeFirst(pem)),
    subject: [{ O: [subject.organization] }, { CN: [subject.commonName] }],
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(subjectAltName.uris.map((value) => ({ type: 'url' as const, value }))),
    ],
  };
}
