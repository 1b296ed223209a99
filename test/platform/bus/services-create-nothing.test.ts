import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { sourceFiles } from '../../checks/tree.ts';

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** In the cloud the stack owns topics and subscriptions; a service's account may only publish and pull. */
it('no service creates, changes or deletes a topic or subscription: only the launcher does', () => {
  const forbidden =
    /bus\/ensure\.ts|\bensureBus\b|\b(create|update|delete)(Topic|Subscription)\b|\bsetPushConfig\b|\bmodifyPushConfig\b/;
  const services = [...sourceFiles(root)].filter(([path]) =>
    /^runtime\/(gateway|processor|devices|telemetry|api|simulator|probe|jobs|certificates)\//.test(path),
  );
  expect(services.length).toBeGreaterThan(50);
  expect(services.filter(([, text]) => forbidden.test(text)).map(([path]) => path)).toEqual([]);
});
