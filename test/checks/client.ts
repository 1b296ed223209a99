import openapiTS, { astToString } from 'openapi-typescript';
import { openApiDocument } from '../../runtime/api/openapi/document.ts';
import { operations } from '../../runtime/contracts/http/index.ts';

const made = '// Made from the OpenAPI document by `npm run check -- --write`.\n';
const document = () => openApiDocument(operations, { publicUrl: 'https://iot.example.com' });

/** Types of every request and answer, from the document that the API serves. */
export async function clientSchema(): Promise<string> {
  return `${made}\n${astToString(await openapiTS(document() as never, { defaultNonNullable: false }))}`;
}

type PathItem = Record<
  string,
  { operationId: string; responses: Record<string, { content?: Record<string, unknown> }> }
>;

/** Where each operation is: method, path and the type of its answer, by operation id. */
export function clientOperations(): string {
  const rows = Object.entries(document()['paths'] as Record<string, PathItem>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { operationId, responses }]) => {
      const success = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1];
      const accept = Object.keys(success?.content ?? {}).join(', ') || 'application/json';
      return `  ${operationId}: { method: '${method.toUpperCase()}', path: '${path}', accept: '${accept}' },\n`;
    }),
  );
  return `${made}\nexport const operations = {\n${rows.join('')}} as const;\n`;
}
