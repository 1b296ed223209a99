import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Answer, Api } from './api.ts';
import { CommandError } from './errors.ts';

/** A device's files: its private key (mode 0600), its certificate and chain, and the CA that it trusts. */
export type DeviceFiles = { key: string; cert: string; ca: string };

export const filesIn = (dir: string): DeviceFiles => ({
  key: join(resolve(dir), 'key.pem'),
  cert: join(resolve(dir), 'cert.pem'),
  ca: join(resolve(dir), 'ca.pem'),
});

/**
 * Makes a P-256 key here, has its certificate signed through the API, and writes the files. The key never leaves this
 * machine. An existing key is never overwritten unless `replace`.
 */
export async function certify(options: { api: Api; device: string; dir: string; replace?: boolean }): Promise<{
  files: DeviceFiles;
  certificate: Answer<'issueCertificate'>;
}> {
  const { api, device, dir, replace = false } = options;
  const files = filesIn(dir);
  const { createRequest } = await import('../runtime/device/enrol.ts'); // brings a certificate library: not for `list`
  const { key, csr } = await createRequest(device);
  const certificate = await api.call('issueCertificate', { params: { deviceId: device }, body: { csr } });
  if (replace) await rm(files.key, { force: true });
  await writeKey(files.key, key);
  await writeFile(files.cert, `${certificate.certificate.trimEnd()}\n${certificate.chain.trimEnd()}\n`);
  await writeFile(files.ca, certificate.ca);
  return { files, certificate };
}

/**
 * Trades a claim code for a certificate, with a key that is made here and kept first: a second run after an interrupted
 * one goes on with the same key, to which the same code is good.
 */
export async function claimDevice(options: {
  code: string;
  id: string | undefined;
  dir: string;
  api: string;
}): Promise<{ device: string; files: DeviceFiles }> {
  const { code, id, dir, api } = options;
  const files = filesIn(dir);
  const { createRequest, enrolWithClaimCode } = await import('../runtime/device/enrol.ts');
  if ((await stat(files.cert).catch(() => undefined)) !== undefined)
    throw new CommandError(`${files.cert} exists and is not overwritten: choose another folder with --out DIR`);
  const kept = await readFile(files.key, 'utf8').catch(() => undefined);
  if (kept === undefined) await prepareFolder(dir);
  const request = await createRequest(id, kept);
  if (kept === undefined) await writeKey(files.key, request.key);
  const { device, cert, ca } = await enrolWithClaimCode({ code, request, api }).catch((cause: Error) => {
    throw new CommandError(cause.message, { cause });
  });
  await writeFile(files.cert, cert);
  await writeFile(files.ca, ca);
  return { device, files };
}

/** Called before anything is registered, so that a folder which cannot be written leaves no half-made device. */
export async function prepareFolder(dir: string): Promise<void> {
  const { key } = filesIn(dir);
  try {
    await mkdir(resolve(dir), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CommandError(
      `the folder ${resolve(dir)} can not be made (${(cause as Error).message}); choose another with --out DIR`,
      { cause },
    );
  }
  if ((await stat(key).catch(() => undefined)) !== undefined)
    throw new CommandError(
      `${key} exists and is not overwritten: choose another folder with --out DIR, or move it away`,
    );
}

async function writeKey(path: string, key: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(key);
  } finally {
    await file.close();
  }
}
