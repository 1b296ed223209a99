import { X509Certificate } from 'node:crypto';
import { type Identity, identify, identifyFactory, signerOf } from '../platform/tls/device-certificate.ts';
import type { FactoryAuthority } from './known-identities.ts';
import type { TlsFiles } from './tls-files.ts';

/**
 * Whom the TLS port trusts: our CAs, from the files, and makers' CAs in force, which tenants bring. Who signed a
 * certificate decides whose it is: a maker's CA can write any name into one, ours included.
 */
export class Trust {
  private files: TlsFiles;
  private ours: { certificate: X509Certificate }[];
  private factories: readonly FactoryAuthority[] = [];

  constructor(files: TlsFiles) {
    this.files = files;
    this.ours = authoritiesIn(files);
  }

  /** The files changed. */
  useFiles(files: TlsFiles): void {
    this.files = files;
    this.ours = authoritiesIn(files);
  }

  useFactories(factories: Iterable<FactoryAuthority>): void {
    this.factories = [...factories];
  }

  /**
   * For the TLS server. Tickets stay bound to our CAs alone: of a resumed session the signer is looked at anew.
   */
  get context(): TlsFiles {
    if (this.factories.length === 0) return this.files;
    const { context } = this.files;
    const ca = [String(context.ca), ...this.factories.map(({ certificate }) => certificate.toString())].join('\n');
    return { ...this.files, context: { ...context, ca } };
  }

  /** Who a certificate stands for, whose chain TLS has verified. */
  identify(leaf: X509Certificate, now: number): Identity | { refused: string } {
    if (this.factories.length === 0 || signerOf(leaf, this.ours) !== undefined) return identify(leaf, now);
    const factory = signerOf(leaf, this.factories);
    if (factory === undefined) return { refused: 'no CA that is trusted here signed the certificate itself' };
    return identifyFactory(leaf, factory, now);
  }
}

function authoritiesIn({ context }: TlsFiles): { certificate: X509Certificate }[] {
  const blocks = String(context.ca).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((pem) => ({ certificate: new X509Certificate(pem) }));
}
