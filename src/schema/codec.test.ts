import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.ts';
import * as codec from './codec.ts';
import { typeFacts } from './facts.ts';
import { randomObject } from './random-object.ts';

const podType = 'io.k8s.api.core.v1.Pod';
const configMapType = 'io.k8s.api.core.v1.ConfigMap';
const strict = { strict: true };
const decode = (text: string, type = podType) => codec.decodeJson(type, text, strict);

test('a minimal pod decodes to what Go prints: struct fields present, empty ones dropped, fields in order', () => {
  const { object, strictErrors } = decode(
    '{"spec":{"containers":[{"image":"nginx","name":"a","env":[]}],"nodeName":""},"metadata":{"name":"p","creationTimestamp":null},"apiVersion":"v1","kind":"Pod"}',
  );
  assert.equal(
    codec.stringify(podType, object),
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"nginx","resources":{}}]},"status":{}}',
  );
  assert.deepEqual(strictErrors, []);
});

for (const { name, text, want } of [
  {
    name: 'unknown fields in document order, with indexes',
    text: '{"spec":{"containers":[{"name":"a","imagee":"x"}],"foo":1},"bogus":1}',
    want: ['unknown field "spec.containers[0].imagee"', 'unknown field "spec.foo"', 'unknown field "bogus"'],
  },
  {
    name: 'duplicate fields and map keys',
    text: '{"metadata":{"labels":{"a":"1","a":"2"}},"spec":{"containers":[{"name":"a","name":"a"}]}}',
    want: ['duplicate field "metadata.labels.a"', 'duplicate field "spec.containers[0].name"'],
  },
  { name: 'a field whose case differs', text: '{"spec":{"Containers":[]}}', want: ['unknown field "spec.Containers"'] },
  { name: 'nothing inside raw JSON', text: '{"metadata":{"managedFields":[{"fieldsV1":{"f:x":{},"y":1}}]}}', want: [] },
]) {
  test(`strict decoding reports ${name}`, () => assert.deepEqual(decode(text).strictErrors, want));
}

for (const { name, text, message, type } of [
  {
    name: 'a wrong type, by Go struct and path',
    text: '{"spec":{"hostNetwork":"x"}}',
    message: 'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
  },
  {
    name: 'embedded structs by their Go name',
    text: '{"spec":{"volumes":[{"name":"v","emptyDir":1}]}}',
    message:
      'json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.emptyDir of type v1.EmptyDirVolumeSource',
  },
  {
    name: 'a number that is not whole',
    text: '{"spec":{"priority":1.0}}',
    message: 'json: cannot unmarshal number 1.0 into Go struct field PodSpec.spec.priority of type int32',
  },
  {
    name: 'a number that is too large',
    text: '{"metadata":{"generation":99999999999999999999}}',
    message:
      'json: cannot unmarshal number 99999999999999999999 into Go struct field ObjectMeta.metadata.generation of type int64',
  },
  {
    name: 'a quantity that is none',
    text: '{"spec":{"containers":[{"resources":{"limits":{"cpu":"1 Gi"}}}]}}',
    message: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  },
  {
    name: 'a time that is none',
    text: '{"metadata":{"deletionTimestamp":"yesterday"}}',
    message: 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
  },
  { name: 'a truncated text', text: '{"kind":"Pod"', message: 'unexpected end of JSON input' },
  { name: 'text after the end', text: '{} x', message: "invalid character 'x' after top-level value" },
  { name: 'what is not JSON', text: 'hello', message: "invalid character 'h' looking for beginning of value" },
  { name: 'a raw line break in a string', text: '{"a":"\n"}', message: "invalid character '\\n' in string literal" },
  {
    name: 'illegal base64',
    type: 'io.k8s.api.core.v1.Secret',
    text: '{"data":{"a":"?"}}',
    message: 'illegal base64 data at input byte 0',
  },
]) {
  test(`a decode error names ${name}`, () => {
    assert.throws(() => decode(text, type), { name: 'DecodeError', message });
  });
}

test('values take their canonical spelling', () => {
  const { object } = decode(
    '{"metadata":{"creationTimestamp":"2026-01-02T05:04:05.9+02:00"},"spec":{"containers":[{"resources":{"limits":{"memory":"1024Mi","cpu":0.5,"x":"1e3","a":"0.1n"}}}]}}',
  );
  assert.equal(object.metadata.creationTimestamp, '2026-01-02T03:04:05Z');
  assert.deepEqual(object.spec.containers[0].resources.limits, { a: '1n', cpu: '500m', memory: '1Gi', x: '1e3' });
});

test('integers beyond 2^53 are kept exactly, in typed and in free places', () => {
  const text = '{"metadata":{"generation":9223372036854775807,"managedFields":[{"fieldsV1":{"n":9007199254740993}}]}}';
  const { object } = decode(text);
  assert.equal(object.metadata.generation, 9223372036854775807n);
  assert.match(codec.stringify(podType, object), /"generation":9223372036854775807.*"n":9007199254740993/);
  assert.equal(
    codec.decodeProtobuf(podType, codec.encodeProtobuf(podType, object)).metadata.generation,
    9223372036854775807n,
  );
});

test('a key called __proto__ is a key', () => {
  const { object } = decode('{"data":{"__proto__":"x","b":"1","a":"2"}}', configMapType);
  assert.deepEqual(Object.keys(object.data), ['__proto__', 'a', 'b']);
  assert.equal(Object.getPrototypeOf(object.data), Object.prototype);
  const copy = codec.canonical(configMapType, object);
  assert.equal(JSON.stringify(copy), JSON.stringify(object));
});

for (const { name, body } of [
  { name: 'nested too deeply', body: `{"metadata":${'{"a":'.repeat(600)}1${'}'.repeat(600)}}` },
  { name: 'a long run of opening brackets', body: '['.repeat(3_000_000) },
  {
    name: 'too many keys',
    body: `{"data":{${Array.from({ length: 100_001 }, (_, index) => `"k${index}":""`).join()}}}`,
  },
  { name: 'too long a string', body: `{"data":{"a":"${'x'.repeat(1_600_000)}"}}` },
  {
    name: 'as many keys in fields that are not who owns what',
    body: `{"fieldsV1":{"a":{}},"data":{${Array.from({ length: 100_001 }, (_, index) => `"k${index}":""`).join()}}}`,
  },
]) {
  test(`a body with ${name} is refused before it is parsed`, () => {
    assert.throws(() => decode(body, configMapType), { name: 'DecodeError', failure: 'limit' });
  });
}

test('an object with as many keys as may be comes back with the names of all its fields', () => {
  const data = Object.fromEntries(Array.from({ length: 99_000 }, (_, index) => [`k${index}`, '']));
  const fields = Object.fromEntries(Object.keys(data).map((key) => [`f:${key}`, {}]));
  const metadata = { managedFields: [{ manager: 'm', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': fields } }] };
  const { object } = decode(JSON.stringify({ metadata, data }), configMapType);
  assert.equal(Object.keys(object.data).length, 99_000);
});

test('a body that is not UTF-8 is refused', () => {
  assert.throws(
    () => codec.decodeJson(configMapType, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), strict),
    {
      name: 'DecodeError',
    },
  );
});

test('half a surrogate pair becomes the replacement character, a whole one stays', () => {
  const { object } = decode('{"data":{"a":"\\u0041\\ud83d\\ude00","b":"\\ud83d","c":"\\\\ud83d"}}', configMapType);
  assert.deepEqual(object.data, { a: 'A😀', b: '�', c: '\\ud83d' });
});

test('a body says what it is, or upstream says what is wrong with that', () => {
  const fail = (body: string) => {
    try {
      codec.decodeJsonBody(body, () => configMapType, strict);
    } catch (error) {
      return codec.describeUndecodable(error as codec.DecodeError, 'ConfigMap', body);
    }
    return undefined;
  };
  assert.equal(
    fail('{"kind":5}'),
    `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})`,
  );
  assert.equal(
    fail('{"kind":"ConfigMap","apiVersion":"v1","data":{"a":1}}'),
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
  );
  assert.match(fail('') ?? '', /unexpected end of JSON input \(<empty>\)$/);
});

test('canonical changes nothing in its input and shares nothing with it', () => {
  const { object } = decode(
    '{"metadata":{"labels":{"b":"1"},"managedFields":[{"fieldsV1":{"a":{}}}]},"spec":{"containers":[{"args":["x"]}]}}',
  );
  const before = JSON.stringify(object);
  const copy = codec.canonical(podType, object);
  copy.metadata.labels.b = '2';
  copy.metadata.managedFields[0].fieldsV1.a = 1;
  copy.spec.containers[0].args.push('y');
  assert.equal(JSON.stringify(object), before);
});

const seed = 20260102;
const types = Object.entries(typeFacts().types).filter(([, fact]) => fact.gvk && !fact.noProto);

test(`every type comes back from protobuf as it was (seed ${seed})`, () => {
  const source = seededRandom(seed);
  const random = () => source.next();
  // Protobuf cannot tell an empty list from none, and the kind of a nested object is not on the wire.
  const onWire = (text: string) =>
    text
      .replaceAll(/"[^"\\]+":(?:null|\[\]|\{\}),?/g, '')
      .replaceAll(/\[\]|null/g, '~')
      .replaceAll(/"(?:kind|apiVersion)":"[^"]*",?/g, '')
      .replaceAll(/,(?=[}\]])/g, '');
  for (const [type] of types) {
    for (const density of [0.2, 0.6, 0.95]) {
      const object = codec.canonical(type, randomObject(type, { random, density, maxDepth: 4 }));
      const text = codec.stringify(type, object);
      assert.equal(codec.stringify(type, codec.canonical(type, object)), text, `${type}: canonical twice`);
      assert.equal(codec.stringify(type, decode(text, type).object), text, `${type}: from its own text`);
      const back = codec.decodeProtobuf(type, codec.encodeProtobuf(type, object));
      assert.equal(onWire(codec.stringify(type, back)), onWire(text), `${type}: from protobuf`);
    }
  }
});

test(`damaged protobuf is refused or read, and never crashes (seed ${seed})`, () => {
  const source = seededRandom(seed);
  const random = () => source.next();
  for (let round = 0; round < 3000; round++) {
    const [type] = types[Math.floor(random() * types.length)]!;
    const bytes = Buffer.from(
      codec.encodeProtobuf(type, codec.canonical(type, randomObject(type, { random, density: 0.3, maxDepth: 3 }))),
    );
    const cut = bytes.subarray(0, Math.floor(random() * bytes.length));
    for (let flips = 0; flips < 3 && bytes.length > 0; flips++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    for (const hostile of [bytes, cut]) {
      try {
        codec.decodeProtobuf(type, hostile);
      } catch (error) {
        assert.ok(error instanceof codec.DecodeError, `${type}: ${(error as Error).stack}`);
      }
    }
  }
});

test(`damaged JSON is refused or read, and never crashes (seed ${seed})`, () => {
  const source = seededRandom(seed);
  const random = () => source.next();
  const alphabet = '{}[]",:\\u0-1.eE9tfn \u0000\ud800é';
  for (let round = 0; round < 4000; round++) {
    const [type] = types[Math.floor(random() * types.length)]!;
    const chars = [...JSON.stringify(randomObject(type, { random, density: 0.2, maxDepth: 3 }))];
    for (let change = 0; change < 3; change++) {
      const at = Math.floor(random() * chars.length);
      chars.splice(at, Math.floor(random() * 3), alphabet[Math.floor(random() * alphabet.length)]!);
    }
    try {
      const { object } = decode(chars.join(''), type);
      assert.equal(codec.stringify(type, codec.canonical(type, object)), codec.stringify(type, object));
    } catch (error) {
      assert.ok(error instanceof codec.DecodeError, `${type}: ${(error as Error).stack}`);
    }
  }
});

test('a number that no double can hold is refused, wherever it stands', () => {
  const raw = (value: string) => `{"metadata":{"managedFields":[{"fieldsV1":{"a":${value}}}]}}`;
  assert.throws(() => decode(raw('1e999')), { name: 'DecodeError' });
  assert.equal(decode(raw('1e9')).object.metadata.managedFields[0].fieldsV1.a, 1e9);
});

test('protobuf with a huge length, endless nesting or a runaway number is refused', () => {
  const schemaType = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  const nested = (depth: number): Uint8Array => {
    let bytes = Buffer.alloc(0);
    // `not` is field 28: tag e2 01.
    for (let level = 0; level < depth; level++)
      bytes = Buffer.concat([Buffer.from([0xe2, 0x01, ...varint(bytes.length)]), bytes]);
    return bytes;
  };
  const hostile: [string, Uint8Array][] = [
    [configMapType, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    [configMapType, Buffer.from([0x18, ...Array(11).fill(0xff)])],
    [configMapType, Buffer.alloc(2_000_000, 0x0b)],
    [schemaType, nested(3000)],
  ];
  for (const [type, bytes] of hostile) assert.throws(() => codec.decodeProtobuf(type, bytes), { name: 'DecodeError' });
});

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

test('a protobuf Status has the very bytes that upstream sends', () => {
  const hex =
    '6b3873000a0c0a0276311206537461747573125c0a060a0012001a0012074661696c7572651a307468652073657276657220636f756c64206e6f742066696e642074686520726571756573746564207265736f7572636522084e6f74466f756e642a0a0a0012001a00280032003094031a002200';
  const type = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
  const envelope = codec.unwrapProtobuf(Buffer.from(hex, 'hex'));
  assert.deepEqual([envelope.apiVersion, envelope.kind], ['v1', 'Status']);
  const status = { ...codec.decodeProtobuf(type, envelope.raw), apiVersion: 'v1', kind: 'Status' };
  assert.equal(status.code, 404);
  assert.equal(Buffer.from(codec.encodeProtobufBody(type, status)).toString('hex'), hex);
});

test('a protobuf list is its items, put together', () => {
  const item = codec.canonical(configMapType, { metadata: { name: 'a' }, data: { k: 'v'.repeat(200) } });
  const items = Array.from({ length: 3 }, () => codec.encodeProtobuf(configMapType, item));
  const body = codec.encodeProtobufList({
    apiVersion: 'v1',
    kind: 'ConfigMapList',
    metadata: { resourceVersion: '7' },
    items,
  });
  const list = codec.decodeProtobuf('io.k8s.api.core.v1.ConfigMapList', codec.unwrapProtobuf(body).raw);
  assert.equal(list.metadata.resourceVersion, '7');
  assert.deepEqual(
    list.items.map((found: typeof item) => found.data.k),
    Array(3).fill('v'.repeat(200)),
  );
});

test('a body without the protobuf prefix is refused in upstream words', () => {
  assert.throws(() => codec.unwrapProtobuf(Buffer.from([0x0a, 0x0b])), {
    message: 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
  });
});
