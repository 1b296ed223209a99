import { type Exemption, readExemptions } from './exemptions.ts';

/** What a pack knows about the stack when it starts. */
export type Start = { readonly tier: string; readonly exemptions: readonly Exemption[] };

/** Of a stack that does not say what it is: the strictest. */
export const defaultTier = 'prod';

/**
 * Reads the stack's configuration, which the engine hands to each pack: `policies:tier`, else the project's own `tier`;
 * `policies:exemptions`. A run without a stack (`pulumi policy analyze --file`) has none: everything is production.
 * @param env `PULUMI_CONFIG` is an object of `namespace:key` to text, lists and objects as JSON.
 * @throws Error naming the key that cannot be read.
 */
export function readStart(env: Readonly<Record<string, string | undefined>>): Start {
  const config = parsed('PULUMI_CONFIG', env['PULUMI_CONFIG'] ?? '{}') as Record<string, string>;
  const project = env['PULUMI_PROJECT'] ?? env['PULUMI_NODEJS_PROJECT'] ?? '';
  const tier = config['policies:tier'] ?? config[`${project}:tier`] ?? defaultTier;
  const exemptions = config['policies:exemptions'];
  return {
    tier: tier === 'production' ? 'prod' : tier,
    exemptions: exemptions === undefined ? [] : readExemptions(parsed('policies:exemptions', exemptions)),
  };
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON (${text.length} characters)`, { cause: error });
  }
}
