import { deviceIdPattern } from './identifiers.ts';

/**
 * MQTT topics. They are Cloud IoT Core's (`/devices/{id}/events`, `state`, `config`, `commands`), and their like for
 * what it lacked. Parsing is pure: no socket, no clock.
 */
export type UpTopic =
  | { kind: 'events'; deviceId: string; subfolder: string }
  | { kind: 'state'; deviceId: string }
  | { kind: 'command-result'; deviceId: string; command: string }
  | { kind: 'renew'; deviceId: string }
  | { kind: 'firmware-progress'; deviceId: string };

const maxTopicLength = 512;
const maxLevels = 12;
const commandPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const subfolderPattern = /^[A-Za-z0-9_.~-]{1,64}(?:\/[A-Za-z0-9_.~-]{1,64}){0,4}$/;

/**
 * What a topic published by a device means, or why it means nothing.
 * @returns the parsed topic, or a one-line reason fit for a log.
 */
export function parseUpTopic(topic: string): UpTopic | { kind: 'refused'; reason: string } {
  if (topic.length > maxTopicLength)
    return refuse(`topic has ${topic.length} characters, allowed are ${maxTopicLength}`);
  const levels = topic.split('/');
  if (levels.length > maxLevels) return refuse(`topic has ${levels.length} levels, allowed are ${maxLevels}`);
  const [empty, devices, deviceId = '', kind, ...rest] = levels;
  if (empty !== '' || devices !== 'devices') return refuse('topic must start with /devices/{id}/');
  if (!deviceIdPattern.test(deviceId)) return refuse('topic names no valid device id');
  switch (kind) {
    case 'events': {
      if (rest.length === 0) return { kind, deviceId, subfolder: '' };
      const subfolder = rest.join('/');
      return subfolderPattern.test(subfolder)
        ? { kind, deviceId, subfolder }
        : refuse('events subfolder allows letters, digits and _ . ~ - in up to 5 levels');
    }
    case 'state':
      return rest.length === 0 ? { kind, deviceId } : refuse('state has no subtopics');
    case 'commands': {
      const [command = '', result, ...more] = rest;
      if (result !== 'result' || more.length > 0 || !commandPattern.test(command))
        return refuse('a device publishes only to commands/{name}/result');
      return { kind: 'command-result', deviceId, command };
    }
    case 'certificates':
      return rest.length === 1 && rest[0] === 'renew' ? { kind: 'renew', deviceId } : refuse('only certificates/renew');
    case 'firmware':
      return rest.length === 1 && rest[0] === 'progress'
        ? { kind: 'firmware-progress', deviceId }
        : refuse('only firmware/progress');
    default:
      return refuse('allowed below /devices/{id}/ are events, state, commands, certificates and firmware');
  }
}

function refuse(reason: string): { kind: 'refused'; reason: string } {
  return { kind: 'refused', reason };
}

/** Topics below a device that the platform writes and the device reads. */
const downKinds: ReadonlySet<string> = new Set(['config', 'commands', 'certificates', 'firmware']);

/**
 * Whether `deviceId` may subscribe to `filter`: its own tree only, wildcards inside it allowed.
 * `/devices/{id}/#` is granted: nothing of another device can match it.
 */
export function maySubscribe(deviceId: string, filter: string): boolean {
  if (filter.length > maxTopicLength) return false;
  const levels = filter.split('/');
  if (levels.length > maxLevels || levels.length < 4) return false;
  const [empty, devices, id, kind = ''] = levels;
  if (empty !== '' || devices !== 'devices' || id !== deviceId) return false;
  return kind === '#' || kind === '+' || downKinds.has(kind);
}

/** Topics the platform publishes to. */
export const downTopics = {
  config: (deviceId: string) => `/devices/${deviceId}/config`,
  command: (deviceId: string, name: string) => `/devices/${deviceId}/commands/${name}`,
  renewed: (deviceId: string) => `/devices/${deviceId}/certificates/renewed`,
  firmware: (deviceId: string) => `/devices/${deviceId}/firmware`,
};

/** Topics a device publishes to; the device library and the simulator use these. */
export const upTopics = {
  result: (deviceId: string, command: string) => `/devices/${deviceId}/commands/${command}/result`,
  events: (deviceId: string, subfolder = '') => `/devices/${deviceId}/events${subfolder === '' ? '' : `/${subfolder}`}`,
  state: (deviceId: string) => `/devices/${deviceId}/state`,
};
