/** What the process reads from its environment; the only reader. */
export type Settings = {
  readonly port: number;
  readonly dataDir: string;
  readonly healthPort: number | undefined;
  /** Tests only: the health port takes `POST /clock/advance?ms=N`. */
  readonly clockControl: boolean;
  /** Tests only: `{kind}:{before-commit|after-commit}`, where the process kills itself. */
  readonly crashAt: string | undefined;
};

const CRASH_POINT = /^(publish|acknowledge|dead-letter):(before|after)-commit$/;

/** @throws Error with one line per problem, each naming the variable, its value and what is allowed */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = [];
  const port = (name: string, value: string | undefined): number | undefined => {
    if (value === undefined || value === '') return undefined;
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
    problems.push(`${name}: "${value}"; a TCP port from 0 (any) to 65535 is allowed`);
    return undefined;
  };
  const settings: Settings = {
    port: port('PUBSUB_PORT', env['PUBSUB_PORT']) ?? 8085,
    dataDir: env['PUBSUB_DATA'] ?? '',
    healthPort: port('PUBSUB_HEALTH_PORT', env['PUBSUB_HEALTH_PORT']),
    clockControl: env['PUBSUB_CLOCK_CONTROL'] === '1',
    crashAt: env['PUBSUB_CRASH_AT'] || undefined,
  };
  if (settings.dataDir === '') problems.push('PUBSUB_DATA: missing; the folder that keeps messages is needed');
  if (settings.clockControl && settings.healthPort === undefined) {
    problems.push('PUBSUB_CLOCK_CONTROL: 1, but there is no PUBSUB_HEALTH_PORT to control the clock through');
  }
  if (settings.crashAt !== undefined && !CRASH_POINT.test(settings.crashAt)) {
    problems.push(
      `PUBSUB_CRASH_AT: "${settings.crashAt}"; publish, acknowledge or dead-letter, then :before-commit or :after-commit`,
    );
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return settings;
}
