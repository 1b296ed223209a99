import { servePack } from '../framework/pack.ts';
import { googleCloud } from './policies.ts';

servePack(googleCloud);
