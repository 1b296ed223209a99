import { type Exemption, readExemptions } from './exemptions.ts';

/** What a pack knows about the stack when it starts. */
export type Start = {
  /** By the stack's settings; null: they say nothing, and a tag of the stack may. */
  readonly tier: string | null;
  readonly exemptions: readonly Exemption[];
};

/** Of a stack that does not say what it is: the strictest. */
export const defaultTier = 'prod';

/**
 * Reads the stack's configuration, which the engine hands to each pack: `policies:tier`, else the project's own `tier`
 * (`program: preview` is one); `policies:exemptions`. A run without a stack (`pulumi policy analyze --file`) has none: everything is production.
 * @param env `PULUMI_CONFIG` is an object of `namespace:key` to text, lists and objects as JSON.
 * @throws Error naming the key that cannot be read.
 */
export function readStart(env: Readonly<Record<string, string | undefined>>): Start {
  const config = parsed('PULUMI_CONFIG', env['PULUMI_CONFIG'] ?? '{}') as Record<string, string>;
  const project = env['PULUMI_PROJECT'] ?? env['PULUMI_NODEJS_PROJECT'] ?? '';
  const lane = config[`${project}:program`] === 'preview' ? 'preview' : null;
  const tier = config['policies:tier'] ?? config[`${project}:tier`] ?? lane;
  const exemptions = config['policies:exemptions'];
  return {
    tier: tier === null ? null : called(tier),
    exemptions: exemptions === undefined ? [] : readExemptions(parsed('policies:exemptions', exemptions)),
  };
}

/** The tier of a stack: its settings', else its tag's (`policies:tier` or `tier`), else the strictest. */
export const tierOf = ({ tier }: Start, tags: ReadonlyMap<string, string> | undefined): string =>
  tier ?? called(tags?.get('policies:tier') ?? tags?.get('tier') ?? defaultTier);

const called = (tier: string): string => (tier === 'production' ? 'prod' : tier);

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON (${text.length} characters)`, { cause: error });
  }
}
