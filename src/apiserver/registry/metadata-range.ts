// Where an object's metadata is in its JSON: it is copied and looked into without parsing the rest.

const metadataKey = '"metadata":'.length;
/** Bare quotes end strings, so that neither of these can be part of a value; labels and fields are not named so. */
const managedFieldsMark = Buffer.from('"managedFields":[');
const labelsMark = Buffer.from('"labels":{');

export interface MetadataRange {
  /** Of the opening brace. */
  readonly start: number;
  /** Past the closing brace. */
  readonly end: number;
  /** Past what comes before managedFields, which are the last member; at the closing brace without them. */
  readonly ownEnd: number;
}

/** `itemStart` is where the key `"metadata"` starts in canonical JSON. */
export function findMetadata(json: Buffer, itemStart: number): MetadataRange {
  const start = itemStart + metadataKey;
  const end = valueEnd(json, start);
  const managed = json.subarray(start, end).indexOf(managedFieldsMark);
  const hasManaged = managed > 0 && json[end - 2] === 0x5d;
  const hasComma = hasManaged && json[start + managed - 1] === 0x2c;
  return { start, end, ownEnd: hasManaged ? start + managed - (hasComma ? 1 : 0) : end - 1 };
}

/** Past the object or array that starts at `at`. */
export function valueEnd(json: Uint8Array, at: number): number {
  let depth = 0;
  while (at < json.length) {
    const byte = json[at++]!;
    if (byte === 0x22) {
      for (let inside = json[at++]; inside !== 0x22 && at < json.length; inside = json[at++]) {
        if (inside === 0x5c) at++;
      }
    } else if ((byte | 0x20) === 0x7b) {
      depth++;
    } else if ((byte | 0x20) === 0x7d && --depth === 0) {
      return at;
    }
  }
  return at;
}

let scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** The object parsed as if it had no managedFields: they are as large as the rest, and few look at them. */
export function parseUnmanaged(json: Buffer, { end, ownEnd }: MetadataRange): unknown {
  if (scratch.length < json.length) {
    // One very large object does not keep its size taken forever.
    if (json.length > 256 * 1024) return JSON.parse(json.toString('utf8', 0, ownEnd) + json.toString('utf8', end - 1));
    scratch = Buffer.allocUnsafeSlow(2 * json.length);
  }
  json.copy(scratch, 0, 0, ownEnd);
  const length = ownEnd + json.copy(scratch, ownEnd, end - 1);
  return JSON.parse(scratch.toString('utf8', 0, length));
}

export function parseLabels(json: Buffer, { start, ownEnd }: MetadataRange): Record<string, string> | undefined {
  const own = json.subarray(start, ownEnd);
  const at = own.indexOf(labelsMark);
  if (at < 0) return undefined;
  const from = at + labelsMark.length - 1;
  return JSON.parse(own.toString('utf8', from, valueEnd(own, from)));
}
