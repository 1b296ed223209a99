import type { Pack } from '../framework/pack.ts';
import { sqlPolicies } from './sql.ts';

/** Topics in the order of the reference. */
export const googleCloud: Pack = {
  name: 'google-cloud',
  description: 'What a Google Cloud environment has to obey, by topic',
  policies: [...sqlPolicies],
};
