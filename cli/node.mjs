// Plain JavaScript that any Node can parse: it runs before we know which Node this is.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const needed = 24;

/**
 * Makes sure that an entry point runs on Node 24: npm installs it as an optional dependency from the lockfile, whatever
 * Node the system has. On an older Node the script is run again with that one: same arguments, same terminal, same exit
 * code. Resolves only where the caller may go on.
 * @param {string} script `import.meta.url` of the entry point
 */
export async function onNeededNode(script) {
  if (Number(process.versions.node.split('.')[0]) >= needed) return;
  const pinned = pinnedNode();
  if (pinned === undefined || process.env.REEXECUTED_BY_IOT === '1') {
    process.stderr.write(
      `This needs Node ${needed} or newer; ${process.execPath} is ${process.version}. ` +
        `Run \`npm install\` in the project (it brings Node ${needed} for linux-x64 and linux-arm64; not with --omit=optional), or install Node ${needed}.\n`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(script), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, REEXECUTED_BY_IOT: '1', PATH: `${dirname(pinned)}:${process.env.PATH ?? ''}` },
  });
  // A terminal's Ctrl-C reaches both processes; the launcher takes two signals within half a second for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...how) => resolve(how));
  });
  process.exit(signal === null ? code : 128 + constants.signals[signal]);
}

/** Node 24 from node_modules, if it was installed for this machine. */
function pinnedNode() {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const path = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(path) ? path : undefined;
}
