// @peculiar/x509 finds its parts by decorators' metadata; tsyringe throws at import without this.
import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new key and a request for these host names, both PEM. The key is made here and goes nowhere but into the folder. */
export async function newRequest(names: readonly string[]): Promise<{ key: string; csr: string }> {
  const keys = (await crypto.subtle.generateKey(p256, true, ['sign', 'verify'])) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [names[0] ?? ''] }],
    keys,
    signingAlgorithm: p256,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  });
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: `${x509.PemConverter.encode(der, 'PRIVATE KEY').trim()}\n`, csr: request.toString('pem') };
}

/** Host names that a certificate is for. */
export function namesOf(certificate: X509Certificate): Set<string> {
  return new Set((certificate.subjectAltName ?? '').split(', ').map((name) => name.replace(/^DNS:/, '')));
}
