import type { z } from 'zod';
import { createLog, type Log } from '../platform/service/log.ts';
import { readSettings, SettingsError } from '../platform/service/settings.ts';

/** Work that ends by itself. Reads its settings, throws when it failed; the next attempt starts from the beginning. */
export type Job = (name: string, env: Record<string, string | undefined>) => Promise<void>;

/** A job with the settings of its schema and a log in its name. */
export function jobOf<S extends z.ZodObject>(
  schema: S,
  work: (settings: Readonly<z.output<S>>, log: Log) => Promise<void>,
): Job {
  return async (name, env) => {
    const settings = readSettings(`jobs ${name}`, schema, env);
    const common = settings as unknown as { IOT_INSTANCE: string; IOT_LOG_LEVEL: string };
    const log = createLog({ service: 'jobs', instance: common.IOT_INSTANCE, level: common.IOT_LOG_LEVEL });
    const job = log.child({ job: name });
    job.info('started');
    try {
      await work(settings, job);
    } catch (error) {
      job.fatal({ error }, 'failed');
      throw new JobFailed();
    }
    job.info('done');
  };
}

/** The log has said why. */
class JobFailed extends Error {
  override readonly name = 'JobFailed';
}

/** @returns exit code: 0 done, 1 failed, 2 wrong settings or no such job. */
export async function runJob(
  jobs: Readonly<Record<string, Job>>,
  args: readonly string[],
  env: Record<string, string | undefined>,
  say: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Promise<number> {
  const [name = ''] = args;
  const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (job === undefined || args.length !== 1) {
    say(`jobs: '${args.join(' ')}' is no job; allowed is one of ${Object.keys(jobs).join(', ')}`);
    return 2;
  }
  try {
    await job(name, env);
    return 0;
  } catch (error) {
    if (error instanceof JobFailed) return 1;
    if (!(error instanceof SettingsError)) throw error;
    say(error.message);
    return 2;
  }
}
