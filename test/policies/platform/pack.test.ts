import { platform } from '../../../policies/platform/policies.ts';
import { provePack } from '../support/pack.ts';

provePack(platform, 'platform');
