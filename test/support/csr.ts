import { x509 } from '../../runtime/devices/authority/x509.ts';

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A new P-256 key (PKCS #8 PEM) and a request signed with it (PEM). The subject is what an attacker might ask for. */
export async function newCsr(name = 'CN=someone-else'): Promise<{ csr: string; key: string }> {
  const keys = (await crypto.subtle.generateKey(p256, true, ['sign', 'verify'])) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: p256 });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { csr: request.toString('pem'), key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}
