import { z } from 'zod';
import { type Operation, Problem, type scopes } from '../../contracts/http/operation.ts';
import { headers, problemResponses } from './shared.ts';

type Json = Record<string, unknown>;

export type DocumentOptions = {
  publicUrl: string;
  /** An external OpenID Connect issuer; without one the bundled server's flows are described. */
  issuer?: string | undefined;
};

/**
 * The OpenAPI 3.1 document of the public interface, made from the operations table: the same rows make the routes, the
 * authorization and the validation, so the document can not say something else than the server does.
 */
export function openApiDocument(operations: readonly Operation[], options: DocumentOptions): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const item = paths[operation.path] ?? {};
    paths[operation.path] = item;
    item[operation.method.toLowerCase()] = describe(operation, components);
  }
  components.ref(Problem, 'output');
  return {
    openapi: '3.1.1',
    info: {
      title: 'IoT platform',
      version: '1.0.0',
      description:
        'Devices, telemetry and the platform itself. Every request needs an access token, but for a device that enrols with its claim code. A wrong request is answered by an RFC 9457 problem that names the field and what is allowed. Beyond the statuses of each operation the server answers 405 (with `Allow`) for other methods, 408 for requests that do not arrive in time and 431 for more than 16 KiB of headers.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: options.publicUrl }],
    tags: [...new Set(operations.map((operation) => operation.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.schemas(),
      headers,
      responses: problemResponses,
      securitySchemes: { oauth2: securityScheme(options) },
    },
  };
}

function describe(operation: Operation, components: Components): Json {
  const { success } = operation;
  const open = operation.scope === null;
  const statuses = new Set<number>([400, ...(open ? [] : [401, 403]), 406, 429, 500, 503, ...operation.problems]);
  if (operation.method !== 'GET' && operation.method !== 'DELETE')
    for (const status of [413, 415]) statuses.add(status);
  const content = success.body === undefined ? {} : { content: contentOf(success, components) };
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [operation.tag],
    security: open ? [] : [{ oauth2: [operation.scope] }],
    parameters: [
      ...parameters('path', operation.params, components),
      ...parameters('query', operation.query, components),
      ...parameters('header', operation.headers, components),
    ],
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: Object.fromEntries(
              ['application/json', ...(operation.bodyType === undefined ? [] : [operation.bodyType])].map((type) => [
                type,
                { schema: components.ref(operation.body as z.ZodType, 'input') },
              ]),
            ),
          },
        }),
    responses: {
      [success.status]: {
        description: operation.summary,
        ...(open ? {} : { headers: { ...clientLimitHeaders, ...etagHeader(success.etag) } }),
        ...content,
      },
      ...Object.fromEntries(
        [...statuses].sort().map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

/** Of operations with a token: who has none is limited by address. */
const clientLimitHeaders: Json = {
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
};

const etagHeader = (field: string | undefined): Json =>
  field === undefined ? {} : { ETag: { $ref: '#/components/headers/ETag' } };

/** A stream of events has no schema that OpenAPI 3.1 could say (3.2 has `itemSchema`), so it has an example. */
function contentOf({ body, contentType = 'application/json' }: Operation['success'], components: Components): Json {
  if (contentType === 'text/event-stream') return { [contentType]: { example: streamExample } };
  return { [contentType]: { schema: components.ref(body as z.ZodType, 'output') } };
}

const streamExample = `event: state
data: {"type":"state","device":"thermostat-0001","ts":1795341600000,"seq":0,"values":{"temperature":21.5},"trace":"0af7651916cd43dd8448eb211c80319c"}

event: ping
data: {"at":"2026-11-22T10:00:00.000Z"}

`;

function parameters(
  where: 'path' | 'query' | 'header',
  schema: z.ZodObject | undefined,
  components: Components,
): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = components.inline(schema) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/**
 * Schemas of the document by name. A schema that is another one going in than coming out (defaults fill it) has two
 * names: `DeviceType` as answered, `DeviceTypeRequest` as sent.
 */
class Components {
  readonly #schemas = { input: new Map<string, Json>(), output: new Map<string, Json>() };

  ref(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as Json;
    for (const [name, definition] of Object.entries($defs as Record<string, Json>))
      this.#schemas[io].set(name, definition);
    return rewrite(root, io);
  }

  inline(schema: z.ZodType): Json {
    return this.ref(schema, 'input');
  }

  schemas(): Json {
    const { input, output } = this.#schemas;
    const all: [string, Json][] = [
      ...[...output].map(([name, schema]): [string, Json] => [name, rewrite(schema, 'output')]),
      ...[...input].map(([name, schema]): [string, Json] => [requestName(name), rewrite(schema, 'input')]),
    ];
    return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

const requestName = (name: string) => (/^(New|.*(Patch|Request)$)/.test(name) ? name : `${name}Request`);

/**
 * References into `components`, patterns that any JSON Schema tool can read (`\p{Cc}` spelled out), and for what comes in the rule that no text has U+0000, which the validation holds.
 */
function rewrite(value: unknown, io: 'input' | 'output'): Json {
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node !== 'object' || node === null) return node;
    const out: Json = {};
    for (const [key, inner] of Object.entries(node)) {
      if (key === '$ref') {
        const name = String(inner).replace('#/$defs/', '');
        out[key] = `#/components/schemas/${io === 'input' ? requestName(name) : name}`;
      } else if (key === 'example') out['examples'] = [inner];
      else if (key === 'pattern')
        out[key] = String(inner)
          .replaceAll('\\P{Cc}', '[^\\u0000-\\u001f\\u007f-\\u009f]')
          .replaceAll('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f');
      else out[key] = walk(inner);
    }
    if (io === 'input' && out['type'] === 'string' && !('pattern' in out) && !('enum' in out) && !('const' in out))
      out['pattern'] = '^[^\\u0000]*$';
    return out;
  };
  return walk(value) as Json;
}

function securityScheme({ publicUrl, issuer }: DocumentOptions): Json {
  if (issuer !== undefined)
    return {
      type: 'openIdConnect',
      openIdConnectUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    };
  const scopeTexts: Record<(typeof scopes)[number], string> = {
    'devices:read': 'See devices, types and certificates',
    'devices:write': 'Register, change, block devices; issue and revoke certificates; acknowledge alerts',
    'telemetry:read': 'See readings and alerts, live and past, and which dead letters there are',
    'dead-letters:read': 'See what is in dead letters',
    'dead-letters:write': 'Edit, replay and discard dead letters',
    'platform:read': "See the platform's parts",
    admin: 'Invite and remove people and machines of the tenant; read its audit log',
    tenants: 'Make tenants and set their quotas; for who operates the platform',
  };
  return {
    type: 'oauth2',
    description: 'Bundled authorization server. Tokens are JWTs of 15 minutes for this API only.',
    flows: {
      clientCredentials: { tokenUrl: `${publicUrl}/oauth/token`, scopes: scopeTexts },
      authorizationCode: {
        authorizationUrl: `${publicUrl}/oauth/auth`,
        tokenUrl: `${publicUrl}/oauth/token`,
        refreshUrl: `${publicUrl}/oauth/token`,
        scopes: scopeTexts,
      },
    },
  };
}
