// Seeded changes to objects: what people get wrong, and what nobody would think of.
import type { Random } from '../../src/base/random.ts';
import { enumOf, type Field, fieldsOf } from './schema.ts';

type Tree = Record<string, any>;

/** Somewhere in an object: `holder[key]` is of `field`'s type, or one of its elements when `isElement`. */
interface Place {
  readonly holder: Tree;
  readonly key: string | number;
  readonly path: string;
  readonly field: Field;
  readonly isElement: boolean;
}

interface Node {
  readonly value: Tree;
  readonly type: string;
  readonly path: string;
}

const words = [
  '',
  'a',
  'web',
  'Bad_Name',
  'a.b',
  '-a',
  'a/b',
  'x'.repeat(64),
  'x'.repeat(254),
  '10.0.0.1',
  '/path',
  '5Gi',
  'äö',
  'ClusterFirst',
  '0',
  '../up',
  'a b',
  'http',
  'example.com/name',
  '::1',
  '*',
];
const numbers = [-1, 0, 1, 2, 5, 80, 443, 1001, 32768, 65535, 65536, 2147483647];
const quantities = ['1', '1Gi', '-1', '0', '1.5', '100m', 'abc', '1e3', '', '9223372036854775807', '0.5m'];
const portsOrNames = [1, 80, 0, -1, 65536, '50%', '150%', 'http', '', '-5%', 'Bad_Name'];
const maxDepth = 3;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;

function scalar(field: Field, random: Random): unknown {
  const allowed = enumOf(field);
  switch (field.type) {
    case 'string':
      return allowed.length > 0 && random.next() < 0.8 ? pick(random, allowed) : pick(random, words);
    case 'bool':
      return random.next() < 0.5;
    case 'int32':
    case 'int64':
      return pick(random, numbers);
    case 'double':
      return pick(random, [0, 1.5, -1]);
    case 'bytes':
      return pick(random, ['YQ==', '', 'AAAA']);
    default:
      if (field.type.endsWith('.Quantity')) return pick(random, quantities);
      if (field.type.endsWith('.IntOrString')) return pick(random, portsOrNames);
      if (field.type.endsWith('.MicroTime')) return '2030-01-01T00:00:00.000000Z';
      if (field.type.endsWith('.Time')) return '2030-01-01T00:00:00Z';
      if (field.type.endsWith('.Duration')) return pick(random, ['1s', '-1s', '1h0m0s']);
      return undefined;
  }
}

/** A value of the field's type; undefined when there is nothing to say. */
function made(field: Field, random: Random, depth: number): unknown {
  if (field.wrap === 'list') {
    const one = madeOne(field, random, depth);
    return one === undefined ? [] : random.next() < 0.8 ? [one] : [one, madeOne(field, random, depth)];
  }
  if (field.wrap === 'map') {
    const one = madeOne(field, random, depth);
    return one === undefined
      ? {}
      : { [pick(random, ['a', 'cpu', 'memory', 'Bad Key', 'example.com/x', '', 'storage'])]: one };
  }
  return madeOne(field, random, depth);
}

function madeOne(field: Field, random: Random, depth: number): unknown {
  const value = scalar(field, random);
  if (value !== undefined) return value;
  const fields = fieldsOf(field.type);
  if (fields.length === 0 || depth >= maxDepth) return fields.length === 0 ? undefined : {};
  const result: Tree = {};
  for (const each of fields) {
    if (!each.required && random.next() > 2 / fields.length) continue;
    const inner = made(each, random, depth + 1);
    if (inner !== undefined) result[each.name] = inner;
  }
  return result;
}

const hidden = new Set([
  'managedFields',
  'apiVersion',
  'kind',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
]);

/** Everything in the object, with its types. */
function survey(root: Tree, type: string): { nodes: Node[]; places: Place[] } {
  const nodes: Node[] = [];
  const places: Place[] = [];
  const waiting: Node[] = [{ value: root, type, path: '' }];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const { value, path } = node;
    const fields = fieldsOf(node.type);
    if (fields.length === 0) continue;
    nodes.push(node);
    for (const field of fields) {
      const inner = value[field.name];
      if (inner === undefined || inner === null || hidden.has(field.name)) continue;
      const at = path ? `${path}.${field.name}` : field.name;
      places.push({ holder: value, key: field.name, path: at, field, isElement: false });
      const elements = field.wrap ? Object.entries(inner as Tree) : [];
      for (const [key, element] of elements) {
        const index = Array.isArray(inner) ? Number(key) : key;
        const place = Array.isArray(inner) ? `${at}[${index}]` : `${at}[${index}]`;
        places.push({ holder: inner as Tree, key: index, path: place, field, isElement: true });
        if (element && typeof element === 'object')
          waiting.push({ value: element as Tree, type: field.type, path: place });
      }
      if (!field.wrap && typeof inner === 'object') waiting.push({ value: inner as Tree, type: field.type, path: at });
    }
  }
  return { nodes, places };
}

/** Mostly below spec, or below `part`; metadata is the same for all kinds. */
function preferred<T extends { path: string }>(
  from: readonly T[],
  random: Random,
  part: string | undefined,
): readonly T[] {
  if (part && random.next() < 0.85) {
    const inside = from.filter(
      ({ path }) => path === part || path.startsWith(`${part}.`) || path.startsWith(`${part}[`),
    );
    if (inside.length > 0) return inside;
  }
  const outside = from.filter(({ path }) => !path.startsWith('metadata'));
  return outside.length > 0 && random.next() < 0.9 ? outside : from;
}

/** Changes the object in place, and says how. */
export function mutate(object: Tree, type: string, random: Random, part?: string): string {
  if (part && object[part] === undefined) object[part] = {};
  const { nodes, places } = survey(object, type);
  const dice = random.next();
  if (dice < 0.45 || places.length === 0) return addField(preferred(nodes, random, part), random);
  const place = pick(random, preferred(places, random, part));
  const { holder, key, path } = place;
  if (dice < 0.6) {
    if (Array.isArray(holder)) holder.splice(key as number, 1);
    else delete holder[key];
    return `delete ${path}`;
  }
  if (dice < 0.7) {
    const value = pick(random, ['', {}, [], null, 0]);
    holder[key] = value;
    return `set ${path} to ${JSON.stringify(value)}`;
  }
  if (dice < 0.8 && Array.isArray(holder)) {
    holder.push(structuredClone(holder[key as number]));
    return `double ${path}`;
  }
  const value = place.isElement ? madeOne(place.field, random, 1) : made(place.field, random, 1);
  if (value === undefined) return 'nothing';
  holder[key] = value;
  return `set ${path} to ${JSON.stringify(value)}`;
}

function addField(nodes: readonly Node[], random: Random): string {
  const { value, type, path } = pick(random, nodes);
  const free = fieldsOf(type).filter(({ name }) => value[name] === undefined && !hidden.has(name) && name !== 'status');
  if (free.length === 0) return 'nothing';
  const field = pick(random, free);
  const added = made(field, random, 1);
  if (added === undefined) return 'nothing';
  value[field.name] = added;
  return `add ${path ? `${path}.` : ''}${field.name}: ${JSON.stringify(added)}`;
}
