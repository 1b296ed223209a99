/**
 * A tar archive that depends on nothing but its files: sorted, owned by root, of 1970. Pure.
 * Format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format".
 */
const block = 512;

/** @param files bytes by path, without a leading slash. @returns the archive; folders on the way are written before what they hold. */
export function tarOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const folders = new Set<string>();
  for (const path of files.keys()) {
    const parts = path.split('/');
    for (let n = 1; n < parts.length; n++) folders.add(`${parts.slice(0, n).join('/')}/`);
  }
  const entries = [...folders, ...files.keys()].sort((a, b) => (a < b ? -1 : 1));
  const chunks: Uint8Array[] = [];
  for (const path of entries) {
    const bytes = files.get(path) ?? new Uint8Array();
    chunks.push(header(path, bytes.length), bytes, new Uint8Array((block - (bytes.length % block)) % block));
  }
  chunks.push(new Uint8Array(2 * block));
  return Buffer.concat(chunks);
}

/** @throws Error for a path that ustar cannot hold. */
function header(path: string, size: number): Buffer {
  const folder = path.endsWith('/');
  const { name, prefix } = split(path);
  const bytes = Buffer.alloc(block);
  const text = (value: string, at: number) => void bytes.write(value, at, 'utf8');
  const octal = (value: number, at: number, length: number) =>
    text(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
  text(name, 0);
  // Everybody reads, nobody writes: the process runs as another user than the owner.
  octal(folder ? 0o555 : 0o444, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  text(folder ? '5' : '0', 156);
  text('ustar\x0000', 257);
  text(prefix, 345);
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

function split(path: string): { name: string; prefix: string } {
  if (!/^[\x20-\x7e]+$/.test(path) || path.startsWith('/') || path.split('/').includes('..'))
    throw new Error(`layer file '${path}': allowed is a relative path of ASCII letters without '..'`);
  if (path.length <= 100) return { name: path, prefix: '' };
  for (let at = path.indexOf('/', path.length - 101); at > 0 && at <= 155; at = path.indexOf('/', at + 1))
    if (path.length - at - 1 <= 100 && at < path.length - 1)
      return { name: path.slice(at + 1), prefix: path.slice(0, at) };
  throw new Error(`layer file '${path}': its path is too long for a tar header (100 characters, 255 with a folder)`);
}
