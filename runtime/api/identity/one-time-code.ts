import { createHash, randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // Crockford's: no letter that looks like a digit

/** 130 random bits in groups of five characters. */
export function newCode(): string {
  const characters = Array.from(randomBytes(26), (byte) => alphabet[byte & 31]).join('');
  return characters.replace(/(.{5})(?=.)/g, '$1-');
}

/** SHA-256 of a code however it was typed: case, hyphens and spaces do not matter, O is 0, I and L are 1. */
export function hashCode(code: string): Buffer {
  const plain = code
    .toUpperCase()
    .replaceAll(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return createHash('sha256').update(plain).digest();
}
