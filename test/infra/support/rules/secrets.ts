import { type Recording, unknownValue } from '../../../../infra/recording/record.ts';
import { called, textsIn } from './graph.ts';

/** Names of inputs that hold a secret, by their last word: `rootPassword`, `secretData`, `authToken`. */
const secretKeys =
  /(password|passwd|passphrase|secretData|secret_data|privateKey|private_key|keyMaterial|clientSecret|accessToken|authToken|bearerToken|apiKey|sharedSecret|pskValue)(Wo)?$/i;
/** Texts that are secrets wherever they stand. */
const secretTexts: readonly [string, RegExp][] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['an access token', /\bya29\.[\w-]{20,}/],
  ['a signed token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['a password in a URL', /\b[a-z][a-z0-9+]*:\/\/[^\s:/@]*:[^\s/@]+@/i],
  ['a key of a service account', /"type"\s*:\s*"service_account"/],
];

/** Where a secret is: the service reads it there itself. */
const secretName = /^projects\/[^/]+\/secrets\/[^/]+$/;

/** Inputs that hold a secret in the open: it would be plain in the state and in every preview's output. */
export function plainSecrets({ registrations }: Recording): string[] {
  return registrations.flatMap((each) => {
    const problems: string[] = [];
    const inSecret = /^kubernetes:core\/v1:Secret$/.test(each.type);
    for (const { path, text, key } of textsIn(each.inputs)) {
      const what =
        secretKeys.test(key) || (inSecret && /^(data|stringData)\./.test(path))
          ? 'a value that has to be secret'
          : secretTexts.find(([, pattern]) => pattern.test(text))?.[0];
      // An unknown carries its secrecy in the output, which the up-mode recording shows.
      if (what !== undefined && text !== unknownValue)
        problems.push(`${called(each)}: ${path} is ${what}, in the open`);
    }
    for (const { path, name, value } of variablesIn(each.inputs)) {
      const held = typeof value === 'string' && !secretName.test(value);
      if (held && /(PASSWORD|PRIVATE_KEY|API_KEY|ACCESS_TOKEN|CLIENT_SECRET)$/.test(name))
        problems.push(`${called(each)}: ${path} sets ${name} in the open`);
    }
    return problems;
  });
}

/** Environment variables of containers: objects with a name and a value. */
function* variablesIn(value: unknown, path = ''): Generator<{ path: string; name: string; value: unknown }> {
  if (Array.isArray(value)) for (const [index, each] of value.entries()) yield* variablesIn(each, `${path}[${index}]`);
  else if (typeof value === 'object' && value !== null) {
    const { name, value: held } = value as Record<string, unknown>;
    if (typeof name === 'string' && held !== undefined) yield { path, name, value: held };
    for (const [key, each] of Object.entries(value)) yield* variablesIn(each, path === '' ? key : `${path}.${key}`);
  }
}
