import { randomBytes, webcrypto } from 'node:crypto';
import { connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { x509 } from '../../../runtime/devices/authority/x509.ts';
import { type Api, type GoogleServer, refusal } from './server.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** The connector's port at every instance; it cannot be another: https://github.com/GoogleCloudPlatform/cloud-sql-nodejs-connector */
const instancePort = 3307;

type Keys = { publicKey: CryptoKey; privateKey: CryptoKey };
const newKeys = () => webcrypto.subtle.generateKey(p256, true, ['sign', 'verify']) as Promise<Keys>;

async function authority(name: string) {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    serialNumber: `4f${randomBytes(8).toString('hex')}`,
    keys,
    signingAlgorithm: p256,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const sign = (
    subject: string,
    publicKey: CryptoKey | ArrayBuffer,
    minutes: number,
    extensions: x509.Extension[] = [],
  ) =>
    x509.X509CertificateGenerator.create({
      serialNumber: `4f${randomBytes(8).toString('hex')}`,
      subject: [{ CN: [subject] }],
      issuer: certificate.subjectName.toJSON(),
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + minutes * 60_000),
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: p256,
      extensions,
    });
  return { certificate, sign };
}

/**
 * Cloud SQL: the admin API, and the instance's own door, which takes mutual TLS 1.3 with a certificate that the API gave out
 * for a good access token, and leads to a Postgres.
 */
export async function sqlApi(instance: { project: string; region: string; name: string }, postgresPort: number) {
  const [clients, servers, strangers] = await Promise.all([
    authority('clients'),
    authority('servers'),
    authority('strangers'),
  ]);
  const path = `/sql/v1beta4/projects/${instance.project}/instances/${instance.name}`;
  let google: GoogleServer | undefined;
  let trusted = servers;

  const api: Api = async (seen) => {
    if (seen.path === `${path}/connectSettings` && seen.method === 'GET') {
      const { certificate } = trusted;
      return {
        body: {
          kind: 'sql#connectSettings',
          serverCaCert: { cert: certificate.toString('pem'), expirationTime: certificate.notAfter.toISOString() },
          region: instance.region,
          databaseVersion: 'POSTGRES_18',
          pscEnabled: true,
          dnsNames: [{ name: 'localhost.', connectionType: 'PRIVATE_SERVICE_CONNECT', dnsScope: 'INSTANCE' }],
        },
      };
    }
    if (seen.path !== `${path}:generateEphemeralCert`) return undefined;
    const { public_key: pem, access_token: token } = seen.body as { public_key: string; access_token?: string };
    if (token === undefined || google?.tokens.issued.includes(token) !== true)
      return refusal(403, 'PERMISSION_DENIED', 'no access token to log in with');
    const certificate = await clients.sign('login', new Uint8Array(x509.PemConverter.decodeFirst(pem)).buffer, 60);
    return { body: { ephemeralCert: { cert: certificate.toString('pem') } } };
  };

  const keys = await newKeys();
  const own = await servers.sign(`${instance.project}:${instance.name}`, keys.publicKey, 60, [
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
  ]);
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  const door = createServer(
    {
      cert: own.toString('pem'),
      key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
      ca: clients.certificate.toString('pem'),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (socket) => {
      connections += 1;
      sockets.add(socket);
      const behind = connect(postgresPort, '127.0.0.1');
      const end = () => {
        socket.destroy();
        behind.destroy();
      };
      socket.on('error', end).on('close', end).pipe(behind);
      behind.on('error', end).on('close', end).pipe(socket);
    },
  );
  await new Promise<void>((resolve, reject) => door.once('error', reject).listen(instancePort, '127.0.0.1', resolve));
  return {
    api,
    /** The access tokens that count are those of this server. */
    of(server: GoogleServer) {
      google = server;
    },
    connections: () => connections,
    /** Refuses connections until it is opened again, as an instance that restarts does. */
    async shut() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => door.close(resolve));
      return () => new Promise<void>((resolve) => door.listen(instancePort, '127.0.0.1', resolve));
    },
    /** Cuts every connection, as a failover does. */
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    /** From now on the API names another CA than the one that signed the instance's certificate. */
    impostor() {
      trusted = strangers;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => door.close(resolve));
    },
  };
}
