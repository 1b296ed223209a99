/**
 * A claim code as people type it: 20 characters of Crockford's base 32 in four groups, 100 random bits
 * (https://www.crockford.com/base32.html). Case, hyphens and spaces do not matter, nor do O for 0, I and L for 1.
 */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const characters = 20;
const pattern = new RegExp(`^[${alphabet}]{${characters}}$`);

/** @param random at least 20 random bytes; five bits of each are used */
export function newClaimCode(random: Uint8Array): string {
  if (random.length < characters)
    throw new Error(`a claim code needs ${characters} random bytes, not ${random.length}`);
  const text = [...random.subarray(0, characters)].map((byte) => alphabet[byte & 31]).join('');
  return (text.match(/.{5}/g) ?? []).join('-');
}

/** The 20 characters that a typed code stands for; undefined when it is none. */
export function plainClaimCode(typed: string): string | undefined {
  if (typed.length > 64) return undefined;
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return pattern.test(text) ? text : undefined;
}
