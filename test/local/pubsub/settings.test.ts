import { describe, expect, it } from 'vitest';

import { readSettings } from '../../../runtime/local/pubsub/settings.ts';

describe('settings', () => {
  it('have defaults for all but the data folder', () => {
    expect(readSettings({ PUBSUB_DATA: 'd' })).toEqual({
      port: 8085,
      dataDir: 'd',
      healthPort: undefined,
      clockControl: false,
      crashAt: undefined,
    });
  });

  it('name every problem at once', () => {
    const env = { PUBSUB_PORT: '70000', PUBSUB_HEALTH_PORT: 'x', PUBSUB_CRASH_AT: 'lunch' };
    for (const name of ['PUBSUB_DATA', ...Object.keys(env)]) expect(() => readSettings(env)).toThrow(name);
    expect(() => readSettings({ PUBSUB_DATA: 'd', PUBSUB_CLOCK_CONTROL: '1' })).toThrow('PUBSUB_HEALTH_PORT');
  });
});
