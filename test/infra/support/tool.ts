import { spawnSync } from 'node:child_process';

export type Tool = { command: string; absent: boolean };

/**
 * A tool that a user's machine may lack: taken from PATH, or from the variable. Where it is absent its tests skip by name;
 * in CI they run and fail.
 */
export function tool(name: string, variable: string, install: string): Tool {
  const command = process.env[variable] ?? name;
  const found = spawnSync(command, ['--help'], { stdio: 'ignore' }).error === undefined;
  const absent = !found && process.env['CI'] === undefined;
  if (absent) console.warn(`skipped: ${name} is not installed (${install}; or its path in ${variable})`);
  return { command, absent };
}
