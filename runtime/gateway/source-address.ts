import { isIPv6 } from 'node:net';

/**
 * Whom a connection is counted for: an IPv4 address, or the first 64 bits of an IPv6 one, since one site has all
 * addresses below them (https://www.rfc-editor.org/rfc/rfc6177). `unknown` for a socket that is closed already. Pure.
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] as string).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  if (tail !== undefined) while (groups.length < Math.min(4, 8 - after)) groups.push('0');
  const all = tail === undefined ? groups : [...groups, ...tail.split(':')];
  return `${all
    .slice(0, 4)
    .map((group) => (group === '' ? '0' : group.toLowerCase().replace(/^0+(?=.)/, '')))
    .join(':')}::/64`;
}
