import type { Recording } from '../../../../infra/recording/record.ts';
import { called } from './graph.ts';

/** Packages without a provider of their own: the engine's, and components of this project. */
const builtIn = /^(pulumi|iot):/;

/** A resource on a default provider lands where the shell's own settings point to. */
export function onDefaultProviders({ registrations }: Recording): string[] {
  return registrations
    .filter(({ custom, type }) => custom && !builtIn.test(type))
    .flatMap((each) => {
      const provided = /[:$]pulumi:providers:([\w-]+)::/.exec(each.provider)?.[1];
      const needed = each.type.split(':')[0];
      if (provided === needed) return [];
      return [`${called(each)} has ${provided === undefined ? 'the default provider' : `a provider of ${provided}`}`];
    });
}
