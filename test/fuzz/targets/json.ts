// JSON bodies: decoded twice they stay the same, the quick and the exact decoder agree, protobuf carries the same.
import { isDeepStrictEqual } from 'node:util';
import { canonical, DecodeError, decodeJsonBody, stringify } from '../../../src/schema/codec.ts';
import { typeNameOf } from '../../../src/schema/ir.ts';
import { decodeProtobuf, encodeProtobuf } from '../../../src/schema/protobuf.ts';
import { recordedObjects } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { mutatedTree, printed } from '../mutate-json.ts';
import { chance, type FuzzTarget, must, pick, refusedOr } from '../target.ts';

export const fallbackType = 'io.k8s.api.core.v1.ConfigMap';

export function typeOfBody({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return typeNameOf({ group, version: apiVersion.slice(slash + 1), kind }) ?? fallbackType;
}

/** An object in canonical form is the same after each way of writing it down. */
export function mustRoundTrip(typeName: string, object: object): void {
  const text = stringify(typeName, object);
  const again = decodeJsonBody(text, () => typeName, { strict: true });
  must(
    stringify(typeName, again.object) === text,
    () => `decoded again it differs:\n${text}\n${stringify(typeName, again.object)}`,
  );
  must(stringify(typeName, canonical(typeName, object)) === text, () => `canonical form is not stable: ${text}`);
  const raw = refusedOr([DecodeError], () => encodeProtobuf(typeName, object));
  if (!raw) return;
  const carried = decodeProtobuf<object>(typeName, raw);
  const bytes = encodeProtobuf(typeName, carried);
  must(isDeepStrictEqual(bytes, raw), () => `protobuf differs after protobuf: ${text}`);
}

export const jsonTarget: FuzzTarget = {
  name: 'json',
  async open() {
    const objects = recordedObjects();
    const texts = objects.map((each) => Buffer.from(JSON.stringify(each)));
    return {
      make(random) {
        if (chance(random, 0.25)) return mutatedBytes(random, pick(random, texts), pick(random, texts));
        return Buffer.from(printed(random, mutatedTree(random, pick(random, objects), objects)));
      },
      check(input) {
        let typeName = fallbackType;
        const resolve = (says: { apiVersion: string; kind: string }) => {
          typeName = typeOfBody(says);
          return typeName;
        };
        const decoded = refusedOr([DecodeError], () => decodeJsonBody(input, resolve, { strict: true }));
        const lenient = refusedOr([DecodeError], () => decodeJsonBody(input, resolve, { strict: false }));
        must(Boolean(decoded) === Boolean(lenient), () => 'strictness decides whether a body can be read');
        if (!decoded || !lenient) return;
        must(isDeepStrictEqual(decoded.object, lenient.object), () => 'strictness changes what is read');
        mustRoundTrip(typeName, decoded.object);
      },
    };
  },
};
