// Protobuf bodies: what can be read can be written, and is read again as the same.
import { DecodeError, decodeJsonBody, stringify } from '../../../src/schema/codec.ts';
import { typeNameOf } from '../../../src/schema/ir.ts';
import { decodeProtobuf, encodeProtobuf, encodeProtobufBody, unwrapProtobuf } from '../../../src/schema/protobuf.ts';
import { recordedObjects, recordedRequests } from '../corpus.ts';
import { mutatedBytes } from '../mutate-bytes.ts';
import { chance, type FuzzTarget, must, pick, refusedOr } from '../target.ts';
import { fallbackType, typeOfBody } from './json.ts';

function bodies(): Uint8Array[] {
  const recorded = recordedRequests().filter(({ body, contentType }) => body && contentType.includes('protobuf'));
  const made = recordedObjects().flatMap((object) => {
    const says = { apiVersion: String(object['apiVersion']), kind: String(object['kind']) };
    const [version = '', group = ''] = says.apiVersion.split('/').reverse();
    if (!typeNameOf({ group, version, kind: says.kind })) return [];
    const typeName = typeOfBody(says);
    const decoded = refusedOr([DecodeError], () =>
      decodeJsonBody(JSON.stringify(object), () => typeName, { strict: false }),
    );
    return decoded ? [encodeProtobufBody(typeName, decoded.object)] : [];
  });
  return [...recorded.map(({ body }) => body!), ...made];
}

const varints = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x00],
  [0x0b],
  [0x0c],
];

export const protobufTarget: FuzzTarget = {
  name: 'protobuf',
  async open() {
    const all = bodies();
    return {
      make(random) {
        const bytes = mutatedBytes(random, pick(random, all), pick(random, all));
        if (!chance(random, 0.2)) return bytes;
        const at = Math.floor(random.next() * bytes.length);
        return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(random, varints)), bytes.subarray(at)]);
      },
      check(input) {
        const envelope = refusedOr([DecodeError], () => unwrapProtobuf(input));
        if (!envelope) return;
        const typeName = typeOfBody(envelope);
        const object = refusedOr([DecodeError], () => decodeProtobuf<object>(typeName, envelope.raw));
        if (!object) return;
        const raw = encodeProtobuf(typeName, object);
        const again = decodeProtobuf<object>(typeName, raw);
        must(
          stringify(typeName, again) === stringify(typeName, object),
          () => `read again it differs:\n${stringify(typeName, object)}\n${stringify(typeName, again)}`,
        );
        refusedOr([DecodeError], () => decodeProtobuf(fallbackType, envelope.raw));
      },
    };
  },
};
