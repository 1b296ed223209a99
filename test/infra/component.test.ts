import { describe, expect, test } from 'vitest';
import type { Transform } from '../../infra/component.ts';
import { Edge } from '../../infra/edge/edge.ts';
import { only, recordComponent } from './support/component.ts';

const edge = (transforms: Record<string, Transform>) =>
  recordComponent({ tier: 'prod' }, (environment, options) => {
    new Edge('edge', { environment, after: [], transforms }, options);
    return undefined;
  });

describe('transforms', () => {
  test('reach a child by its name, and one of a component inside by its whole name', async () => {
    const recording = await edge({
      mqtt: (args, options) => ({ args: { ...args, description: 'ours' }, options }),
      'edge-https-firewall': (args, options) => ({ args: { ...args, description: 'theirs' }, options }),
    });
    expect(only(recording, 'gcp:compute/address:Address', 'edge-mqtt').inputs['description']).toBe('ours');
    expect(only(recording, 'gcp:compute/securityPolicy:SecurityPolicy').inputs['description']).toBe('theirs');
  });

  test('that name no child are refused with those there are', async () => {
    await expect(edge({ 'edge-https-wall': (args, options) => ({ args, options }) })).rejects.toThrow(
      /edge: transforms name 'edge-https-wall'; its children are .*, and below them .*edge-https-firewall/,
    );
  });
});
