import { runningPlatform } from '../connection.ts';
import type { Context } from '../context.ts';
import { bytes, json, table } from '../output.ts';

export async function status(options: { data?: string; json?: boolean }, { output }: Context): Promise<void> {
  const { launcher, ...platform } = await runningPlatform(options.data);
  // Store URLs hold the database password: programs read it from `up --json`, a status is pasted into chats.
  const { stores: _, ...open } = platform;
  if (options.json === true) return output.print(json({ ...open, launcher: { pid: launcher.pid } }));
  output.print(`${platform.state}  ${platform.urls.dashboard}  data ${platform.data}  launcher ${launcher.pid}\n`);
  output.print(
    table(
      ['PART', 'STATE', 'PID', 'CPU', 'MEMORY', 'RESTARTS', 'SINCE'],
      platform.processes.map((p) => [
        p.name,
        p.state,
        p.pid ?? '-',
        p.cpu === null ? '-' : `${Math.round(p.cpu * 100)} %`,
        p.rssBytes === null ? '-' : bytes(p.rssBytes),
        p.restarts,
        p.startedAt ?? '-',
      ]),
    ),
  );
}
