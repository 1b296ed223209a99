import { googleCloud } from '../../../policies/google-cloud/policies.ts';
import { provePack } from '../support/pack.ts';

provePack(googleCloud, 'google-cloud');
