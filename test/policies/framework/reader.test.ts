import { unknownCheckingProxy } from '@pulumi/policy';
import { describe, expect, test } from 'vitest';
import { all, any, no, not, unknown, when, yes } from '../../../policies/framework/answer.ts';
import { Reading } from '../../../policies/framework/reader.ts';
import { notKnownYet } from '../../../policies/framework/testing.ts';

const props = {
  on: true,
  off: null,
  later: notKnownYet,
  list: [{ port: 22 }, { port: notKnownYet }],
  labels: { 'app.kubernetes.io/name': 'api', __defaults: [] },
  password: { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value: 'hunter2' },
};

// The policy host's proxy throws at each unknown and survives neither spread nor `in`: the same answers come from both.
describe.each([
  ['plain properties', props],
  ["the policy host's proxy", (unknownCheckingProxy as (props: object) => typeof props)(props)],
])('a reading of %s', (_of, given) => {
  const at = (path: string) => new Reading('', given).at(path);

  test('knows known, unknown and absent', () => {
    expect(at('on').is(true)).toEqual(yes);
    expect(at('on').is(false)).toEqual(no('on'));
    expect(at('off').is(false)).toEqual(no('off'));
    expect(at('off').orElse(false).is(false)).toEqual(yes);
    expect(at('gone.deeper').is(1)).toEqual(no('gone.deeper'));
    expect(at('gone').isNot(1)).toEqual(yes);
    expect(at('later').is(true)).toEqual(unknown('later'));
    expect(at('later.below').exists()).toEqual(unknown('later.below'));
    expect(at('later').isFilled()).toEqual(yes);
  });

  test('an element that breaks the rule is seen beside one that is unknown', () => {
    expect(at('list').every((each) => each.at('port').isNot(22))).toEqual(no('list[0].port'));
    expect(at('list').every((each) => each.at('port').isNot(23))).toEqual(unknown('list[1].port'));
    expect(at('list').some((each) => each.at('port').is(22))).toEqual(yes);
    expect(at('list').some((each) => each.at('port').is(23))).toEqual(unknown('list[1].port'));
    expect(at('list').test(() => true)).toEqual(unknown('list[1].port'));
    expect(at('gone').every(() => no())).toEqual(yes);
    expect(at('gone').some(() => yes)).toEqual(no('gone'));
  });

  test('keys with dots, without bookkeeping', () => {
    expect(at('labels').key('app.kubernetes.io/name').is('api')).toEqual(yes);
    expect(
      at('labels')
        .entries()
        .map(([name]) => name),
    ).toEqual(['app.kubernetes.io/name']);
  });

  test('opens a secret and remembers it', () => {
    expect(at('password').secret).toBe(true);
    expect(at('password').is('hunter2')).toEqual(yes);
    expect(at('on').secret).toBe(false);
  });
});

test('three values combine as Kleene has them', () => {
  expect(all([yes, unknown('a'), no('b')])).toEqual(no('b'));
  expect(all([yes, unknown('a')])).toEqual(unknown('a'));
  expect(all([])).toEqual(yes);
  expect(any([no('b'), unknown('a'), yes])).toEqual(yes);
  expect(any([no('b'), unknown('a')])).toEqual(unknown('a'));
  expect(any([])).toEqual(no());
  expect(not(unknown('a'), 'x')).toEqual(unknown('a'));
  expect(not(yes, 'x')).toEqual(no('x'));
  expect(when(unknown('a'), () => yes)).toEqual(yes);
  expect(when(unknown('a'), () => no('b'))).toEqual(unknown('a'));
  expect(when(no('a'), () => no('b'))).toEqual(yes);
});
