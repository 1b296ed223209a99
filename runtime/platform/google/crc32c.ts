const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), as Google's APIs check bytes on their way. `zlib.crc32` is another
 * polynomial.
 * @returns the number in decimal: Google's JSON has it as an int64, which is text.
 */
export function crc32c(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return String((crc ^ 0xffffffff) >>> 0);
}
