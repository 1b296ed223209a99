import { servePack } from '../framework/pack.ts';
import { platform } from './policies.ts';

servePack(platform);
