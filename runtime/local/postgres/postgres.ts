import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { nobody, postgresHome } from './binaries.ts';

/** How to start one Postgres server; data lives in `<dataDir>/pgdata`. */
export type PostgresPlan = {
  command: string;
  args: string[];
  uid: number;
  gid: number;
  env: Record<string, string>;
  urlOf(database: string): string;
};

/**
 * Makes the data folder if it is not there (initdb, 1 s) and says how to spawn the server. The password is that of the
 * role `iot`; it reaches initdb by a file of mode 0600 that is removed at once, and no argument list.
 */
export async function preparePostgres(options: {
  dataDir: string;
  port: number;
  password: string;
  settings?: Record<string, string>;
}): Promise<PostgresPlan> {
  const root = process.getuid?.() === 0;
  const { uid, gid } = root ? nobody : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const home = await postgresHome(uid);
  const pgdata = join(options.dataDir, 'pgdata');
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC', LD_LIBRARY_PATH: join(home, 'lib') };
  await mkdir(options.dataDir, { recursive: true });
  const done = await stat(join(pgdata, 'iot-initialised')).catch(() => undefined);
  if (done === undefined) {
    await rm(pgdata, { recursive: true, force: true });
    await mkdir(pgdata, { mode: 0o700 });
    const passwordFile = join(options.dataDir, 'pg-password');
    await writeFile(passwordFile, options.password, { mode: 0o600 });
    if (root) {
      await chown(pgdata, uid, gid);
      await chown(passwordFile, uid, gid);
    }
    try {
      await promisify(execFile)(
        join(home, 'bin', 'initdb'),
        [
          '-D',
          pgdata,
          '-U',
          'iot',
          '--auth=scram-sha-256',
          `--pwfile=${passwordFile}`,
          '-E',
          'UTF8',
          '--locale-provider=builtin',
          '--builtin-locale=C.UTF-8',
          '--locale=C',
          '--no-instructions',
        ],
        { uid, gid, env, cwd: '/' },
      );
    } finally {
      await rm(passwordFile, { force: true });
    }
    await writeFile(join(pgdata, 'iot-initialised'), '');
  }
  const settings: Record<string, string> = { ...defaults, ...options.settings, port: String(options.port) };
  return {
    command: join(home, 'bin', 'postgres'),
    args: ['-D', pgdata, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    uid,
    gid,
    env,
    urlOf: (database) => `postgres://iot:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${database}`,
  };
}

/** Durable settings are Postgres' own defaults and stated here because benchmarks quote them. */
const defaults: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '120',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  log_destination: 'stderr',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] ',
};

/** Waits until the server answers, then makes the databases that are missing. */
export async function awaitPostgres(
  plan: PostgresPlan,
  options: { databases: readonly string[]; timeoutMs: number; isAlive: () => boolean },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    const client = new pg.Client({ connectionString: plan.urlOf('postgres'), connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      try {
        const { rows } = await client.query<{ datname: string }>('select datname from pg_database');
        const present = new Set(rows.map((r) => r.datname));
        for (const name of options.databases)
          if (!present.has(name)) await client.query(`create database ${client.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return;
    } catch (error) {
      if (!options.isAlive())
        throw new Error('Postgres ended while starting; its own words are in the log', { cause: error });
      if (performance.now() > deadline)
        throw new Error(`Postgres did not answer within ${options.timeoutMs} ms`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Starts a server of one's own (tests, benchmarks). The launcher supervises its own child instead. */
export async function startPostgres(options: {
  dataDir: string;
  port: number;
  password: string;
  databases: readonly string[];
  settings?: Record<string, string>;
}): Promise<{ child: ChildProcess; urlOf(database: string): string; stop(): Promise<void> }> {
  const plan = await preparePostgres(options);
  const child = spawn(plan.command, plan.args, {
    uid: plan.uid,
    gid: plan.gid,
    env: plan.env,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4_000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    await awaitPostgres(plan, {
      databases: options.databases,
      timeoutMs: 30_000,
      isAlive: () => child.exitCode === null && child.signalCode === null,
    });
  } catch (error) {
    child.kill('SIGQUIT');
    throw new Error(`${(error as Error).message}\n${words}`, { cause: error });
  }
  return {
    child,
    urlOf: plan.urlOf,
    async stop() {
      child.kill('SIGINT'); // fast shutdown: ends sessions, checkpoints, exits
      await exited;
    },
  };
}

/** The server's own pid, from its pid file; undefined when it is not running. */
export async function postmasterPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'pgdata', 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n', 1)[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
