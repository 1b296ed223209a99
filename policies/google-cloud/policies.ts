import type { Pack } from '../framework/pack.ts';
import { addressPolicies } from './addresses.ts';
import { certificateAuthorityPolicies } from './certificate-authority.ts';
import { dutiesPolicies } from './duties.ts';
import { encryptionPolicies } from './encryption.ts';
import { firewallPolicies } from './firewall.ts';
import { firewallShapePolicies } from './firewall-shape.ts';
import { gkePolicies } from './gke.ts';
import { gkeNodePolicies } from './gke-nodes.ts';
import { gkeOperationsPolicies } from './gke-operations.ts';
import { gkePoolPolicies } from './gke-pools.ts';
import { iamPolicies } from './iam.ts';
import { iamPeoplePolicies } from './iam-people.ts';
import { identityPolicies } from './identity.ts';
import { keysAndSecretsPolicies } from './keys-and-secrets.ts';
import { loadBalancingPolicies } from './load-balancing.ts';
import { loggingPolicies } from './logging.ts';
import { memorystorePolicies } from './memorystore.ts';
import { messagingPolicies } from './messaging.ts';
import { messagingDeliveryPolicies } from './messaging-delivery.ts';
import { networkPolicies } from './network.ts';
import { registryPolicies } from './registry.ts';
import { sqlPolicies } from './sql.ts';
import { sqlFlagPolicies } from './sql-flags.ts';
import { sqlOperationsPolicies } from './sql-operations.ts';
import { storagePolicies } from './storage.ts';

/** Topics in the order of the reference. */
export const googleCloud: Pack = {
  name: 'google-cloud',
  description: 'What a Google Cloud environment has to obey, by topic',
  policies: [
    ...gkePolicies,
    ...gkeNodePolicies,
    ...gkeOperationsPolicies,
    ...gkePoolPolicies,
    ...sqlPolicies,
    ...sqlFlagPolicies,
    ...sqlOperationsPolicies,
    ...networkPolicies,
    ...firewallPolicies,
    ...firewallShapePolicies,
    ...addressPolicies,
    ...loadBalancingPolicies,
    ...iamPolicies,
    ...identityPolicies,
    ...iamPeoplePolicies,
    ...messagingPolicies,
    ...messagingDeliveryPolicies,
    ...memorystorePolicies,
    ...certificateAuthorityPolicies,
    ...keysAndSecretsPolicies,
    ...encryptionPolicies,
    ...storagePolicies,
    ...registryPolicies,
    ...loggingPolicies,
    ...dutiesPolicies,
  ],
};
