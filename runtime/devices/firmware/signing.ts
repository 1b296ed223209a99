import { FirmwareManifest, firmwareTokenType } from '../../contracts/firmware.ts';

/** Signs bytes with ECDSA P-256 and SHA-256: a key in KMS, or a file. The signature is r and s, 32 bytes each. */
export type FirmwareSigner = { kid: string; sign(bytes: Buffer): Promise<Buffer> };

/** The signed text of a manifest, as devices take it. @throws ZodError naming the field that a manifest may not have so */
export async function signManifest(manifest: FirmwareManifest, signer: FirmwareSigner): Promise<string> {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = part({ alg: 'ES256', kid: signer.kid, typ: firmwareTokenType });
  const said = `${header}.${part(FirmwareManifest.parse(manifest))}`;
  const signature = await signer.sign(Buffer.from(said));
  if (signature.length !== 64)
    throw new Error(`a signature of ES256 has 64 bytes; the signer gave ${signature.length}`);
  return `${said}.${signature.toString('base64url')}`;
}
