import { kubernetes } from '../../../policies/kubernetes/policies.ts';
import { provePack } from '../support/pack.ts';

provePack(kubernetes, 'kubernetes');
