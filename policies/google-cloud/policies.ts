import type { Pack } from '../framework/pack.ts';
import { certificateAuthorityPolicies } from './certificate-authority.ts';
import { dutiesPolicies } from './duties.ts';
import { firewallPolicies } from './firewall.ts';
import { gkePolicies } from './gke.ts';
import { gkeNodePolicies } from './gke-nodes.ts';
import { iamPolicies } from './iam.ts';
import { identityPolicies } from './identity.ts';
import { keysAndSecretsPolicies } from './keys-and-secrets.ts';
import { loggingPolicies } from './logging.ts';
import { memorystorePolicies } from './memorystore.ts';
import { messagingPolicies } from './messaging.ts';
import { networkPolicies } from './network.ts';
import { registryPolicies } from './registry.ts';
import { sqlPolicies } from './sql.ts';
import { sqlFlagPolicies } from './sql-flags.ts';
import { storagePolicies } from './storage.ts';

/** Topics in the order of the reference. */
export const googleCloud: Pack = {
  name: 'google-cloud',
  description: 'What a Google Cloud environment has to obey, by topic',
  policies: [
    ...gkePolicies,
    ...gkeNodePolicies,
    ...sqlPolicies,
    ...sqlFlagPolicies,
    ...networkPolicies,
    ...firewallPolicies,
    ...iamPolicies,
    ...identityPolicies,
    ...messagingPolicies,
    ...memorystorePolicies,
    ...certificateAuthorityPolicies,
    ...keysAndSecretsPolicies,
    ...storagePolicies,
    ...registryPolicies,
    ...loggingPolicies,
    ...dutiesPolicies,
  ],
};
