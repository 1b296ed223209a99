import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeviceId, deviceIdPattern } from '../../runtime/contracts/identifiers.ts';
import { maySubscribe, parseUpTopic, upTopics } from '../../runtime/contracts/topics.ts';

test.each(['a+b', 'a#b', 'a/b', 'a:b', 'a b', 'ab', '1ab', 'aé1', 'a\nb', 'a\0b', `a${'x'.repeat(255)}`])(
  'no device id: %j',
  (id) => expect(DeviceId.safeParse(id).success).toBe(false),
);

test('every device id can be published under and subscribed to, by MQTT’s rules, and is read back as itself', () => {
  fc.assert(
    fc.property(fc.stringMatching(deviceIdPattern), (id) => {
      const topic = upTopics.events(id);
      expect(topic).not.toMatch(/[+#\0]/); // 3.1.1, 4.7.1-1 and 4.7.3-2: in no topic that is published to
      expect(parseUpTopic(topic)).toEqual({ kind: 'events', deviceId: id, subfolder: '' });
      expect(maySubscribe(id, `/devices/${id}/#`)).toBe(true);
    }),
  );
});
