import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { audienceOf, type CalledService } from '../../contracts/callers.ts';

/** This process' proof of who it is, to one service. */
export type ServiceToken = {
  /** @throws Error when there is no token: the folder is not what IOT_IDENTITY_DIR should name. */
  current(): Promise<string>;
  /** The service refused it: the next one is read anew. */
  forget(): void;
};

/** The file is renewed behind our back, minutes before its token ends: read again after this time. */
const rereadMs = 10_000;

/**
 * The token for `service` in the folder of IOT_IDENTITY_DIR, one file an audience: a projected volume that the kubelet
 * renews, or what the local launcher writes. https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
 */
export function openServiceToken(
  folder: string,
  service: CalledService,
  clock: () => number = () => performance.now(),
): ServiceToken {
  const file = join(folder, audienceOf(service));
  let held: { token: string; until: number } | undefined;
  return {
    async current() {
      if (held !== undefined && clock() < held.until) return held.token;
      const token = await read(file, service);
      held = { token, until: clock() + rereadMs };
      return token;
    },
    forget() {
      held = undefined;
    },
  };
}

async function read(file: string, service: CalledService): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(
      `no identity for ${service}: ${file} can not be read (${(cause as NodeJS.ErrnoException).code}); IOT_IDENTITY_DIR is the folder of this service's tokens`,
      { cause },
    );
  }
  const token = text.trim();
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new Error(`no identity for ${service}: ${file} holds no token`);
  return token;
}
