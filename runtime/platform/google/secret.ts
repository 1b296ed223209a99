import { z } from 'zod';
import { crc32c } from './crc32c.ts';
import { type Google, GoogleError } from './google.ts';

/** A secret of Secret Manager: versions are read and added, none is changed. */
export type Secret = {
  /** Bytes of version 1, for what never rotates; undefined while there is none. @throws as `newest` */
  first(): Promise<Buffer | undefined>;
  /** Number and bytes of the newest version; undefined while it has none. @throws GoogleError; Error for altered bytes */
  newest(): Promise<{ version: number; value: Buffer } | undefined>;
  /** @returns number of the new version. @throws GoogleError */
  add(value: Buffer): Promise<number>;
};

const AccessAnswer = z.object({ name: z.string(), payload: z.object({ data: z.base64(), dataCrc32c: z.string() }) });
const AddAnswer = z.object({ name: z.string() });

/** @param name `projects/P/secrets/NAME`. https://cloud.google.com/secret-manager/docs/data-integrity */
export function openSecret(google: Google, name: string): Secret {
  const numberOf = (version: string): number => {
    const [, number] = /\/versions\/([1-9][0-9]*)$/.exec(version) ?? [];
    if (number === undefined) throw new Error(`Secret Manager named a version '${version}' of ${name}`);
    return Number(number);
  };
  async function read(which: 'latest' | '1') {
    try {
      const path = `v1/${name}/versions/${which}:access`;
      const json = await google.call({ api: 'secretmanager', method: 'GET', path, repeatable: true });
      const answer = AccessAnswer.parse(json);
      const value = Buffer.from(answer.payload.data, 'base64');
      if (crc32c(value) !== answer.payload.dataCrc32c) throw new Error(`${name}: the value was altered on its way`);
      return { version: numberOf(answer.name), value };
    } catch (error) {
      if (error instanceof GoogleError && error.status === 404) return undefined;
      throw error;
    }
  }
  return {
    first: async () => (await read('1'))?.value,
    newest: () => read('latest'),
    async add(value) {
      const json = await google.call({
        api: 'secretmanager',
        method: 'POST',
        path: `v1/${name}:addVersion`,
        body: { payload: { data: value.toString('base64'), dataCrc32c: crc32c(value) } },
        repeatable: false, // each call that comes through makes a version
      });
      return numberOf(AddAnswer.parse(json).name);
    },
  };
}
