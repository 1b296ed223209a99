import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { dashboardPolicy } from './security-headers.ts';

export type DashboardOptions = {
  /** Folder of the built files; without one a page says how to build. */
  dir: string | undefined;
  publicUrl: string;
  /** An external issuer, if there is one. */
  issuer: string | undefined;
  clientId: string;
};

type Asset = { body: Buffer; type: string };
const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
};
const largestAsset = 8 * 1024 * 1024;

/** Pages that the application draws itself; any other path is a 404, as an address with a typing error should be. */
const pages = [
  '/',
  '/callback',
  '/devices',
  '/devices/*',
  '/alerts',
  '/dead-letters',
  '/dead-letters/*',
  '/platform',
] as const;
export const dashboardPaths = [...pages, '/assets/:name', '/favicon.svg', '/dashboard-config.json'] as const;

/**
 * Serves the built dashboard from memory: the files are read once at start, so no request names a path on disk.
 * Hashed assets may be kept for ever; the page itself never.
 */
export async function addDashboard(app: FastifyInstance, options: DashboardOptions): Promise<void> {
  const assets = options.dir === undefined ? new Map<string, Asset>() : await readAssets(options.dir);
  const index = assets.get('index.html');
  const policy = dashboardPolicy(options.issuer);
  const config = {
    issuer: options.issuer ?? options.publicUrl,
    clientId: options.clientId,
    resource: options.publicUrl,
  };
  const page = (reply: FastifyReply) =>
    reply
      .code(index === undefined ? 503 : 200)
      .header('content-type', types['.html'])
      .header('content-security-policy', policy)
      .header('cache-control', 'no-store')
      .send(index?.body ?? notBuilt);
  for (const url of pages) {
    app.get(url, (request, reply) => {
      // Log-in comes back to the public address only; a person who came by another name is sent there.
      const away = request.headers.host !== new URL(options.publicUrl).host;
      return away ? reply.redirect(`${options.publicUrl}${request.url}`, 307) : page(reply);
    });
  }
  app.get('/dashboard-config.json', (_request, reply) => reply.header('cache-control', 'no-store').send(config));
  app.get('/favicon.svg', (_request, reply) => asset(reply, assets.get('favicon.svg'), 'max-age=3600'));
  app.get<{ Params: { name: string } }>('/assets/:name', (request, reply) =>
    asset(reply, assets.get(`assets/${request.params.name}`), 'public, max-age=31536000, immutable'),
  );
}

function asset(reply: FastifyReply, found: Asset | undefined, cacheControl: string) {
  if (found === undefined) return reply.callNotFound();
  return reply.header('content-type', found.type).header('cache-control', cacheControl).send(found.body);
}

async function readAssets(dir: string): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>();
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // not built yet: the page says so
    throw error;
  });
  for (const entry of entries) {
    const type = types[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const body = await readFile(path);
    if (body.length > largestAsset) throw new Error(`${path} has ${body.length} bytes; allowed are ${largestAsset}`);
    assets.set(path.slice(join(dir, '/').length), { body, type });
  }
  return assets;
}

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dashboard not built</title></head>
<body><h1>The dashboard is not built</h1>
<p>The API runs; its description is at <a href="/openapi.json">/openapi.json</a>.</p>
<p><code>npm start</code> builds the dashboard and starts everything. A service alone takes the built files from the folder in <code>IOT_DASHBOARD_DIR</code>.</p>
</body></html>
`;
