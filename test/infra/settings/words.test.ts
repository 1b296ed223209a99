import { describe, expect, test } from 'vitest';
import { readStackSettings } from '../../../infra/settings/read.ts';

const least = { tier: 'dev', project: 'iot-dev-1', region: 'europe-west1' };
const problems = (own: Record<string, string>) => {
  const config = Object.fromEntries(Object.entries(own).map(([key, value]) => [`iot-platform:${key}`, value]));
  try {
    readStackSettings('s', 'iot-platform', config);
  } catch (error) {
    return String(error);
  }
  return '';
};

describe('what a refusal says', () => {
  test.each([
    [
      'a project that is missing',
      { tier: 'dev', region: 'europe-west1' },
      /project is not set: allowed is a project id/,
    ],
    [
      'a part of an object that is missing',
      { ...least, budget: '{"monthly": 10}' },
      /budget\.billingAccount is not set: allowed is a billing account as/,
    ],
    ['a part of another kind', { ...least, ci: '{"repository": 5}' }, /ci\.repository is 5: allowed is OWNER\/NAME/],
  ])('%s is told what is allowed, in our words', (_name, own, words) => {
    expect(problems(own)).toMatch(words);
    expect(problems(own)).not.toMatch(/Invalid input/);
  });

  test.each([
    ['divices', /divices is not a setting; did you mean devices\?/],
    ['alertEmail', /did you mean alertEmails\?/],
    ['Region2', /did you mean region\?/],
    ['replicas', /replicas is not a setting; the settings are program, project, /],
  ])('%s is told the setting that is like it', (key, words) => {
    expect(problems({ ...least, [key]: 'x' })).toMatch(words);
  });
});
