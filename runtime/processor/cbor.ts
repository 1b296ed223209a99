/**
 * CBOR (RFC 8949) as far as telemetry needs it: maps with text keys, arrays, numbers, text, booleans, null. Written here
 * because a general decoder also makes maps, sets, regular expressions and shared references out of a stranger's tags;
 * this one knows no tag but dates and "self-described CBOR", and its depth, items and bytes are bounded.
 */
export class CborError extends Error {
  override readonly name = 'CborError';
}

/** Of a payload, JSON too; what is deeper would end the recursion of whoever writes it out again. */
export const maxDepth = 6;
const maxItems = 300_000;

/** Whether the first byte begins a CBOR map, array or tag; JSON text cannot begin with any of these. */
export function looksLikeCbor(data: Uint8Array): boolean {
  const first = data[0] ?? 0;
  return (first >= 0x80 && first <= 0xbf) || first === 0xd9;
}

/** @throws CborError naming the byte where it went wrong. */
export function decodeCbor(data: Buffer): unknown {
  const reader = new Reader(data);
  const value = reader.item(0);
  if (reader.at !== data.length) throw new CborError(`${data.length - reader.at} bytes are left after the first item`);
  return value;
}

class Reader {
  at = 0;
  private readonly data: Buffer;
  private items = 0;

  constructor(data: Buffer) {
    this.data = data;
  }

  item(depth: number): unknown {
    if (depth > maxDepth) throw new CborError(`nested deeper than ${maxDepth} at byte ${this.at}`);
    if (++this.items > maxItems) throw new CborError(`more than ${maxItems} items`);
    const first = this.byte();
    const major = first >> 5;
    const info = first & 0x1f;
    switch (major) {
      case 0:
        return this.argument(info);
      case 1:
        return -1 - this.argument(info);
      case 3:
        return this.text(info);
      case 4:
        return this.array(info, depth);
      case 5:
        return this.map(info, depth);
      case 6:
        return this.tagged(this.argument(info), depth);
      case 7:
        return this.simple(info);
      default:
        throw new CborError(`byte strings have no meaning in a reading (byte ${this.at - 1})`);
    }
  }

  private array(info: number, depth: number): unknown[] {
    const list: unknown[] = [];
    if (info === 31) while (!this.ends()) list.push(this.item(depth + 1));
    else for (let left = this.count(info); left > 0; left--) list.push(this.item(depth + 1));
    return list;
  }

  private map(info: number, depth: number): Record<string, unknown> {
    // No prototype: a key such as __proto__ is then an ordinary key, and is refused later by name.
    const map = Object.create(null) as Record<string, unknown>;
    const entry = () => {
      const key = this.item(depth + 1);
      if (typeof key !== 'string') throw new CborError(`a map's key must be text (byte ${this.at})`);
      if (key in map) throw new CborError(`a map has the key '${key.slice(0, 64)}' twice`);
      map[key] = this.item(depth + 1);
    };
    if (info === 31) while (!this.ends()) entry();
    else for (let left = this.count(info); left > 0; left--) entry();
    return map;
  }

  private text(info: number): string {
    if (info !== 31) return this.chunk(this.count(info));
    let text = '';
    while (!this.ends()) {
      const first = this.byte();
      if (first >> 5 !== 3) throw new CborError(`a text's part is no text (byte ${this.at - 1})`);
      text += this.chunk(this.count(first & 0x1f));
    }
    return text;
  }

  private chunk(length: number): string {
    const text = this.data.toString('utf8', this.at, this.at + length);
    this.at += length;
    return text;
  }

  private tagged(tag: number, depth: number): unknown {
    const value = this.item(depth + 1);
    if (tag === 0 && typeof value === 'string') return value; // RFC 3339 text
    if (tag === 1 && typeof value === 'number') return Math.round(value * 1000); // epoch seconds
    if (tag === 55_799) return value; // self-described CBOR
    throw new CborError(`tag ${tag} has no meaning in a reading`);
  }

  private simple(info: number): unknown {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22 || info === 23) return null;
    if (info === 25) return half(this.number(2, 'readUInt16BE'));
    if (info === 26) return this.number(4, 'readFloatBE');
    if (info === 27) return this.number(8, 'readDoubleBE');
    throw new CborError(`simple value ${info} has no meaning in a reading (byte ${this.at - 1})`);
  }

  /** Length or count that follows; never more than there are bytes left. */
  private count(info: number): number {
    const count = this.argument(info);
    if (count > this.data.length - this.at)
      throw new CborError(`says ${count} follow, ${this.data.length - this.at} bytes do`);
    return count;
  }

  private argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return this.number(1, 'readUInt8');
    if (info === 25) return this.number(2, 'readUInt16BE');
    if (info === 26) return this.number(4, 'readUInt32BE');
    if (info === 27) {
      const high = this.number(4, 'readUInt32BE');
      return high * 2 ** 32 + this.number(4, 'readUInt32BE');
    }
    throw new CborError(`length code ${info} is not allowed (byte ${this.at - 1})`);
  }

  private number(
    size: number,
    read: 'readUInt8' | 'readUInt16BE' | 'readUInt32BE' | 'readFloatBE' | 'readDoubleBE',
  ): number {
    if (this.at + size > this.data.length) throw new CborError('ends in the middle of an item');
    const value = this.data[read](this.at);
    this.at += size;
    return value;
  }

  private ends(): boolean {
    if (this.data[this.at] !== 0xff) return false;
    this.at++;
    return true;
  }

  private byte(): number {
    const value = this.data[this.at++];
    if (value === undefined) throw new CborError('ends in the middle of an item');
    return value;
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
