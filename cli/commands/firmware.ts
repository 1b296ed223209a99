import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { FirmwareManifest, maxImageBytes } from '../../runtime/contracts/firmware.ts';
import { DeviceTypeId } from '../../runtime/contracts/identifiers.ts';
import { FirmwareRefused, readManifest } from '../../runtime/device/firmware/manifest.ts';
import { type FirmwareSigner, signManifest } from '../../runtime/devices/firmware/signing.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { json } from '../output.ts';
import { collect, matching, whole } from '../values.ts';

const { version, counter, hardware } = FirmwareManifest.shape;

/** Releases, signed and checked here: no platform is asked. */
export function registerFirmware(program: Command, { output }: Context): void {
  const firmware = program
    .command('firmware')
    .description('Firmware: make a key, sign a release, check one as a device does');

  firmware
    .command('key')
    .description('Make a signing key (P-256): FILE for who releases, FILE.pub for the devices')
    .argument('<file>', 'where to write it; nothing is written over')
    .action(async (file: string) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      await writeNew(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 0o600);
      await writeNew(`${file}.pub`, String(publicKey.export({ type: 'spki', format: 'pem' })), 0o644);
      output.print(`${file} signs releases as ${keyId(publicKey)}; devices are made with ${file}.pub`);
    });

  firmware
    .command('sign')
    .description('Sign a release of an image: prints the manifest that devices take')
    .argument('<image>', 'file with the image')
    .requiredOption('--key <file>', 'signing key, as `iot firmware key` makes it')
    .requiredOption('--release <version>', 'its version, as 2.14.0', matching(version))
    .requiredOption('--counter <n>', 'above that of every release before', whole(1, counter.maxValue ?? 2_147_483_647))
    .requiredOption(
      '--hardware <name>',
      'hardware that it is for; may be given several times',
      collect(matching(hardware.element)),
    )
    .requiredOption('--type <type>', 'device type that it is offered to', matching(DeviceTypeId))
    .action(async (path: string, options: SignOptions) => {
      const image = await bytesOf(path);
      if (image.length === 0 || image.length > maxImageBytes)
        throw new CommandError(`${path} has ${image.length} bytes; an image has 1 to ${maxImageBytes}`);
      const key = keyOf(options.key, await bytesOf(options.key), createPrivateKey);
      const manifest: FirmwareManifest = {
        v: 1,
        version: options.release,
        hardware: options.hardware,
        counter: options.counter,
        size: image.length,
        sha256: createHash('sha256').update(image).digest('hex'),
        type: options.type,
        createdAt: new Date().toISOString(),
      };
      output.print(await signManifest(manifest, fileSigner(key)));
    });

  firmware
    .command('verify')
    .description('Check a signed manifest, and an image against it, as a device does')
    .argument('<manifest>', 'file with what `iot firmware sign` printed')
    .requiredOption('--key <file>', 'public key of who releases')
    .requiredOption('--hardware <name>', 'hardware of the device', matching(hardware.element))
    .option('--image <file>', 'image to measure')
    .action(async (path: string, options: { key: string; hardware: string; image?: string }) => {
      const key = keyOf(options.key, await bytesOf(options.key), createPublicKey);
      const signed = (await bytesOf(path)).toString('utf8').trim();
      try {
        const manifest = readManifest(signed, { keys: new Map([[keyId(key), key]]), hardware: options.hardware });
        if (options.image !== undefined) measure(await bytesOf(options.image), manifest);
        output.print(json(manifest));
      } catch (error) {
        if (!(error instanceof FirmwareRefused)) throw error;
        throw new CommandError(error.message, { cause: error });
      }
    });
}

type SignOptions = { key: string; release: string; counter: number; hardware: string[]; type: string };

/** A name that follows from the key, so that it can not be given to another. */
const keyId = (key: KeyObject) =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

const fileSigner = (key: KeyObject): FirmwareSigner => ({
  kid: keyId(createPublicKey(key)),
  sign: async (bytes) => sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }),
});

function keyOf(file: string, pem: Buffer, read: (pem: Buffer) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(pem);
  } catch (cause) {
    throw new CommandError(`${file} holds no key in PEM that can be used here`, { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new CommandError(
      `${file} holds another kind of key; allowed is P-256: make one with \`iot firmware key FILE\``,
    );
  return key;
}

function measure(image: Buffer, { size, sha256 }: FirmwareManifest): void {
  if (image.length !== size) throw new FirmwareRefused('size', `the image has ${image.length} bytes, not ${size}`);
  const measured = createHash('sha256').update(image).digest('hex');
  if (measured !== sha256) throw new FirmwareRefused('hash', `the image is ${measured}, not ${sha256}`);
}

async function bytesOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CommandError(`${path} can not be read: ${(cause as Error).message}`, { cause });
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { mode, flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CommandError(`${path} is there already; name another file`, { cause });
  }
}
