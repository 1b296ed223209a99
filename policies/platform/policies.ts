import type { Pack } from '../framework/pack.ts';
import { capacityPolicies } from './capacity.ts';
import { costPolicies } from './cost.ts';
import { customerKeyPolicies } from './customer-keys.ts';
import { deadLetterPolicies } from './dead-letters.ts';
import { durabilityPolicies } from './durability.ts';
import { edgePolicies } from './edge.ts';
import { identityPolicies } from './identity.ts';
import { labelPolicies } from './labels.ts';
import { namespacePolicies } from './namespaces.ts';
import { operationsPolicies } from './operations.ts';
import { plainSecretPolicies } from './plain-secrets.ts';
import { previewPolicies } from './previews.ts';
import { programPolicies } from './program.ts';
import { regionPolicies } from './regions.ts';
import { selectorPolicies } from './selectors.ts';
import { storePolicies } from './stores.ts';

/** Topics in the order of the reference. */
export const platform: Pack = {
  name: 'platform',
  description: 'What holds across resources: right alone and wrong together',
  policies: [
    ...deadLetterPolicies,
    ...identityPolicies,
    ...storePolicies,
    ...edgePolicies,
    ...namespacePolicies,
    ...selectorPolicies,
    ...durabilityPolicies,
    ...plainSecretPolicies,
    ...labelPolicies,
    ...customerKeyPolicies,
    ...regionPolicies,
    ...previewPolicies,
    ...costPolicies,
    ...capacityPolicies,
    ...operationsPolicies,
    ...programPolicies,
  ],
};
