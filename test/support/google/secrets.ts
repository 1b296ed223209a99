import { crc32c } from '../../../runtime/platform/google/crc32c.ts';
import { type Api, refusal } from './server.ts';

/** Secret Manager: secrets that exist have their versions in order; version 1 is the first. */
export function secretsApi(names: readonly string[]) {
  const versions = new Map<string, Buffer[]>(names.map((name) => [name, []]));
  const api: Api = ({ method, path, body }) => {
    const [, name = '', action] =
      /^\/v1\/(projects\/[^/]+\/secrets\/[^/:]+)(\/versions\/(?:latest|1):access|:addVersion)$/.exec(path) ?? [];
    const held = versions.get(name);
    if (held === undefined) return undefined;
    if (action === ':addVersion' && method === 'POST') {
      const { payload } = body as { payload: { data: string; dataCrc32c: string } };
      const value = Buffer.from(payload.data, 'base64');
      if (payload.dataCrc32c !== crc32c(value)) return refusal(400, 'INVALID_ARGUMENT', 'checksum mismatch');
      held.push(value);
      return {
        body: { name: `projects/123456/secrets/${name.split('/').at(-1)}/versions/${held.length}`, state: 'ENABLED' },
      };
    }
    const at = action === '/versions/1:access' ? 1 : held.length;
    const value = held[at - 1];
    if (value === undefined) return refusal(404, 'NOT_FOUND', `Secret [${name}] has no versions.`);
    return {
      body: {
        name: `projects/123456/secrets/${name.split('/').at(-1)}/versions/${at}`,
        payload: { data: value.toString('base64'), dataCrc32c: crc32c(value) },
      },
    };
  };
  return { api, versions: (name: string) => (versions.get(name) ?? []).map((value) => value.toString()) };
}
