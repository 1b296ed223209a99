import { expect, test } from 'vitest';
import { openApiDocument } from '../../runtime/api/openapi/document.ts';
import { operations } from '../../runtime/contracts/http/index.ts';

type Json = { [key: string]: Json } & { [key: string]: unknown };
const document = openApiDocument(operations, { publicUrl: 'http://127.0.0.1:18080' }) as Json;

test('every operation is in the document with its scope, its statuses and its body, and nothing else is', () => {
  const described = Object.entries(document['paths'] as Json).flatMap(([path, item]) =>
    Object.keys(item as Json).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(operations.map((o) => `${o.method} ${o.path}`).sort());
  for (const operation of operations) {
    const row = (document['paths'] as Json)[operation.path]?.[operation.method.toLowerCase()] as Json;
    expect(row['operationId']).toBe(operation.id);
    expect(row['security']).toEqual(operation.scope === null ? [] : [{ oauth2: [operation.scope] }]);
    expect(Object.keys(row['responses'] as Json)).toEqual(
      expect.arrayContaining(
        [
          operation.success.status,
          400,
          ...(operation.scope === null ? [] : [401, 403]),
          406,
          429,
          500,
          503,
          ...operation.problems,
        ].map(String),
      ),
    );
    expect('requestBody' in row).toBe(operation.body !== undefined);
    const named = (row['parameters'] as unknown as Json[]).map((p) => `${p['in']} ${p['name']}`);
    expect(named.sort()).toEqual(
      [
        ...Object.keys(operation.params?.shape ?? {}).map((name) => `path ${name}`),
        ...Object.keys(operation.query?.shape ?? {}).map((name) => `query ${name}`),
        ...Object.keys(operation.headers?.shape ?? {}).map((name) => `header ${name}`),
      ].sort(),
    );
    expect((operation.path.match(/\{\w+\}/g) ?? []).map((name) => `path ${name.slice(1, -1)}`).sort()).toEqual(
      named.filter((name) => name.startsWith('path')),
    );
  }
});

test('every reference leads somewhere, and every component is used', () => {
  const text = JSON.stringify(document);
  const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] as string));
  for (const reference of references) {
    const target = reference
      .slice(2)
      .split('/')
      .reduce<Json | undefined>((node, key) => node?.[key], document);
    expect([reference, typeof target]).toEqual([reference, 'object']);
  }
  for (const kind of ['schemas', 'headers', 'responses'])
    for (const name of Object.keys((document['components'] as Json)[kind] as Json)) {
      expect([name, references.has(`#/components/${kind}/${name}`)]).toEqual([name, true]);
    }
  expect(text).not.toContain('$defs');
});

test('what goes in and what comes out are told apart where defaults make the difference', () => {
  const schemas = (document['components'] as Json)['schemas'] as Json;
  expect(schemas['DeviceType']?.['required']).toContain('additionalMetrics');
  expect(schemas['DeviceTypeRequest']?.['required']).toEqual(['id', 'metrics']);
  expect(schemas['Problem']).toBeDefined();
});

test('both OAuth flows are there; an external issuer is described instead of them', () => {
  const scheme = (settings: { issuer?: string }) =>
    ((openApiDocument(operations, { publicUrl: 'https://iot.example', ...settings }) as Json)['components'] as Json)[
      'securitySchemes'
    ]?.['oauth2'] as Json;
  expect(Object.keys(scheme({})['flows'] as Json)).toEqual(['clientCredentials', 'authorizationCode']);
  expect(scheme({ issuer: 'https://login.example/' })).toEqual({
    type: 'openIdConnect',
    openIdConnectUrl: 'https://login.example/.well-known/openid-configuration',
  });
});
