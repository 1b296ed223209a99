import { pino } from 'pino';
import type { Log } from '../../runtime/platform/service/log.ts';

/** A log that says nothing; set TEST_LOG=debug to hear it. */
export const quietLog: Log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });
