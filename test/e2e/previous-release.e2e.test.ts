import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { benchDeviceId, benchDevices } from '../../cli/bench/devices.ts';
import { type Fault, killed } from '../../cli/bench/faults/faults.ts';
import { findingsText } from '../../cli/bench/faults/ledger.ts';
import { runFault } from '../../cli/bench/faults/run.ts';
import { type BenchPlatform, findPlatform } from '../../cli/bench/platform.ts';
import { migrate } from '../../runtime/platform/database/migrate.ts';
import { quietLog } from '../support/log.ts';
import { startPlatform, type TestPlatform } from '../support/platform.ts';

/**
 * Expand, then contract (docs/how-to/upgrade.md): while a rollout lasts, and after one is taken back, the release before
 * runs on this commit's schema. So its services serve a load while this commit's migrations run below them, start anew on
 * what these made, and the ledger must come out even. `IOT_PREVIOUS_RELEASE` names another revision than the newest tag.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const git = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('git', ['-c', 'safe.directory=*', '-C', root, ...args], {
    encoding: 'utf8',
  });
  return { ok: status === 0, text: stdout.trim(), stderr };
};

/** The newest tag that is not this commit's own: what serves until this commit is released. */
function previousRelease(): string | undefined {
  const given = process.env['IOT_PREVIOUS_RELEASE'];
  if (given !== undefined && given !== '') return given;
  const found = git('describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^');
  return found.ok && found.text !== '' ? found.text : undefined;
}

const release = previousRelease();
if (release === undefined)
  console.warn(
    'skipped: the previous release on this schema; no tag v* comes before this commit (IOT_PREVIOUS_RELEASE)',
  );

describe.skipIf(release === undefined)(
  `services of ${release ?? 'the previous release'} on the schema of this commit`,
  () => {
    let checkout: string;
    let stand: TestPlatform;
    let platform: BenchPlatform;
    let devices: Awaited<ReturnType<typeof benchDevices>>;

    beforeAll(async () => {
      checkout = mkdtempSync(join(tmpdir(), 'iot-previous-'));
      checkOut(release as string, checkout);
      stand = await startPlatform({ portBase: 26_000, devices: 0, root: checkout });
      platform = await findPlatform(stand.data);
      devices = await benchDevices(
        platform,
        Array.from({ length: 20 }, (_, i) => benchDeviceId(i)),
        () => undefined,
      );
    }, 400_000);
    afterAll(async () => {
      await stand?.stop();
      rmSync(checkout, { recursive: true, force: true });
    });

    test('lose nothing while it changes below them, nor when they start anew on it', async () => {
      const migrated: string[] = [];
      const upgrade: Fault = {
        name: 'schema of this commit',
        async cause(at, stores) {
          const [first = ''] = stand.stores.postgres;
          migrated.push(...(await migrate('core', first.replace(/\/[^/]+$/, '/core'), quietLog)));
          for (const shard of stand.stores.postgres) migrated.push(...(await migrate('shard', shard, quietLog)));
          for (const part of ['processor', 'gateway', 'api'] as const) await killed(part).cause(at, stores);
        },
      };
      const result = await runFault(platform, upgrade, { rate: 200, messages: 2_000, devices });
      expect(findingsText(result.findings)).toBe('clean');
      expect(result.acknowledged).toBeGreaterThanOrEqual(2_000);
      expect(result.rows + result.deadLetters).toBe(result.acknowledged);
      console.info(`migrations run below ${release}: ${migrated.join(', ') || 'none are new'}`);
    });
  },
);

/** A clone of its own: nothing of this checkout changes. Its packages are this one's where the lockfile is the same. */
function checkOut(revision: string, folder: string): void {
  const run = (command: string, args: readonly string[], cwd: string) => {
    const { status, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  };
  const commit = git('rev-parse', `${revision}^{commit}`);
  if (!commit.ok) throw new Error(`no revision ${revision}: ${commit.stderr}`);
  run('git', ['-c', 'safe.directory=*', 'clone', '-q', '--shared', '--no-checkout', root, folder], root);
  run('git', ['checkout', '-q', commit.text], folder);
  const lock = (at: string) => readFileSync(join(at, 'package-lock.json'), 'utf8');
  if (lock(folder) === lock(root)) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  else run('npm', ['ci', '--no-audit', '--no-fund'], folder);
}
