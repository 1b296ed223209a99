import { servePack } from '../framework/pack.ts';
import { kubernetes } from './policies.ts';

servePack(kubernetes);
