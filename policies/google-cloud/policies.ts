import type { Pack } from '../framework/pack.ts';
import { gkePolicies } from './gke.ts';
import { sqlPolicies } from './sql.ts';
import { sqlFlagPolicies } from './sql-flags.ts';

/** Topics in the order of the reference. */
export const googleCloud: Pack = {
  name: 'google-cloud',
  description: 'What a Google Cloud environment has to obey, by topic',
  policies: [...gkePolicies, ...sqlPolicies, ...sqlFlagPolicies],
};
