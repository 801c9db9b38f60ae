// What is asked about an object that is stored: that it be replaced, patched in four ways, applied, deleted, and what its
// subresources take. Every question is a dry run.
import type { Random } from '../../src/base/random.ts';
import { type Base, pathOf, placed } from './bases.ts';
import { readList, readOne } from './reads.ts';
import { typeOf } from './schema.ts';
import type { Question } from './trial.ts';

type Tree = Record<string, any>;

export interface Asked {
  readonly question: Question;
  readonly how: string;
}

export interface Place {
  /** Where its kind is, in its namespace. */
  readonly collection: string;
  readonly base: Base;
  /** As this side holds it, without managedFields. */
  readonly stored: Tree;
  readonly random: Random;
  /** Changes an object, once or twice, and says how. */
  change(object: Tree, type: string, part?: string): string;
}

export type Ask = (place: Place) => Asked;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
const pathTo = ({ base, stored }: Place, part = '', query = '?dryRun=All'): string =>
  `${pathOf(base)}/${encodeURIComponent(stored['metadata'].name)}${part && `/${part}`}${query}`;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The merge patch that makes `after` of `before`. */
function mergePatch(before: Tree, after: Tree): Tree {
  const patch: Tree = {};
  for (const [key, value] of Object.entries(after)) {
    const old = before[key];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    patch[key] = isTree(old) && isTree(value) ? mergePatch(old, value) : value;
  }
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null;
  return patch;
}

const put =
  (part: string, inside?: string): Ask =>
  (place) => {
    const { base, stored, change } = place;
    const body = structuredClone(stored);
    const how = change(body, base.type, inside ?? (body['spec'] && 'spec'));
    return { question: { method: 'PUT', path: pathTo(place, part), body }, how };
  };

/** Now and then with a directive that only strategic patches have, somewhere. */
function direct(patch: Tree, random: Random): string {
  if (random.next() > 0.3) return '';
  const trees: Tree[] = [];
  const waiting: unknown[] = [patch];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (isTree(value)) trees.push(value);
    if (value && typeof value === 'object') waiting.push(...Object.values(value));
  }
  const tree = pick(random, trees);
  const key = pick(random, Object.keys(tree)) ?? 'spec';
  const [name, value] = pick(random, [
    ['$patch', 'replace'],
    ['$patch', 'delete'],
    ['$patch', 'merge'],
    ['$patch', 'bogus'],
    ['$retainKeys', [key]],
    ['$retainKeys', 'a'],
    [`$setElementOrder/${key}`, [{ name: 'a' }]],
    [`$setElementOrder/${key}`, ['a']],
    [`$deleteFromPrimitiveList/${key}`, ['a']],
    ['$bogus', 1],
  ] as const);
  tree[name] = value;
  return ` with ${name}: ${JSON.stringify(value)}`;
}

const patch =
  (kind: 'merge' | 'strategic', part = ''): Ask =>
  (place) => {
    const { base, stored, random, change } = place;
    const after = structuredClone(stored);
    const inside = part || (after['spec'] ? 'spec' : undefined);
    const said = change(after, base.type, inside);
    const body = mergePatch(stored, after);
    const how = said + (kind === 'strategic' ? direct(body, random) : '');
    const type = `application/${kind === 'merge' ? 'merge' : 'strategic-merge'}-patch+json`;
    return { question: { method: 'PATCH', path: pathTo(place, part), body, type }, how };
  };

/** Operations on paths that are there, on some that are not, and with values from elsewhere in the object. */
const jsonPatch: Ask = (place) => {
  const { stored, random } = place;
  const pointers: string[] = [];
  const values: unknown[] = [];
  const waiting: [string, unknown][] = [['', stored]];
  for (let each = waiting.pop(); each; each = waiting.pop()) {
    const [pointer, value] = each;
    if (/^\/metadata\/(?:uid|resourceVersion|creationTimestamp)/.test(pointer)) continue;
    pointers.push(pointer);
    if (pointer) values.push(value);
    if (!value || typeof value !== 'object') continue;
    for (const [key, inner] of Object.entries(value)) {
      waiting.push([`${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, inner]);
    }
  }
  const anywhere = () => pick(random, pointers) + pick(random, ['', '', '', '', '/-', '/0', '/9', '/x', '/~2']);
  const body = Array.from({ length: random.next() < 0.7 ? 1 : 2 }, () => {
    const op = pick(random, ['add', 'add', 'remove', 'replace', 'replace', 'test', 'move', 'copy', 'bogus']);
    const from = op === 'move' || op === 'copy' ? { from: anywhere() } : {};
    const takes = op === 'add' || op === 'replace' || op === 'test';
    return {
      op,
      path: anywhere(),
      ...from,
      ...(takes ? { value: pick(random, [...values, null, 1, 'a', {}, []]) } : {}),
    };
  });
  const type = 'application/json-patch+json';
  return { question: { method: 'PATCH', path: pathTo(place), body, type }, how: JSON.stringify(body) };
};

const apply: Ask = (place) => {
  const { base, stored, random, change } = place;
  const body = placed(base, stored['metadata'].name);
  const { apiVersion, kind, ...rest } = body;
  const object: Tree = { apiVersion: apiVersion ?? stored['apiVersion'], kind: kind ?? stored['kind'], ...rest };
  const how = change(object, base.type, object['spec'] && 'spec');
  const force = pick(random, ['&force=true', '&force=true', '', '&force=false']);
  const path = pathTo(place, '', `?dryRun=All&fieldManager=someone${force}`);
  return { question: { method: 'PATCH', path, body: object, type: 'application/apply-patch+yaml' }, how: how + force };
};

const remove: Ask = (place) => {
  const { stored, random, change } = place;
  const { uid, resourceVersion } = stored['metadata'];
  const preconditions = pick(random, [
    undefined,
    { uid },
    { uid: 'other' },
    { resourceVersion },
    { resourceVersion: '1' },
  ]);
  const body: Tree = { kind: 'DeleteOptions', apiVersion: 'v1', ...(preconditions ? { preconditions } : {}) };
  const said = change(body, 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
  if (random.next() < 0.5) {
    body['propagationPolicy'] = pick(random, ['Background', 'Foreground', 'Orphan', 'Other', '']);
  }
  body['dryRun'] = ['All'];
  const wrong = preconditions && !JSON.stringify(preconditions).includes('other') ? ' with preconditions' : '';
  return { question: { method: 'DELETE', path: pathTo(place, '', ''), body }, how: `${said}${wrong}` };
};

/** An object of another kind, sent to the subresource. */
const send =
  (method: 'POST' | 'PUT', part: string, first: Tree): Ask =>
  (place) => {
    const { stored, change } = place;
    const body: Tree = { ...structuredClone(first), metadata: { name: stored['metadata'].name } };
    const { namespace } = stored['metadata'];
    if (namespace) body['metadata'].namespace = namespace;
    const how = change(body, typeOf(first['apiVersion'], first['kind'])!, 'spec' in body ? 'spec' : undefined);
    return { question: { method, path: pathTo(place, part), body }, how };
  };

const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 2 } };
const ephemeral: Ask = (place) => {
  const { base, stored, change } = place;
  const body = structuredClone(stored);
  body['spec'].ephemeralContainers = [{ name: 'debug', image: 'busybox', stdin: true }];
  const how = change(body, base.type, 'spec.ephemeralContainers');
  return { question: { method: 'PUT', path: pathTo(place, 'ephemeralcontainers'), body }, how };
};

const always: Readonly<Record<string, Ask>> = {
  update: put(''),
  merge: patch('merge'),
  strategic: patch('strategic'),
  json: jsonPatch,
  apply,
  delete: remove,
  read: readOne,
  list: readList(false),
  watch: readList(true),
};

const status: Readonly<Record<string, Ask>> = {
  status: put('status', 'status'),
  'status-merge': patch('merge', 'status'),
};

const ofKinds: readonly (readonly [RegExp, Readonly<Record<string, Ask>>])[] = [
  [/ (?:Deployment|ReplicaSet|StatefulSet|ReplicationController)$/, { scale: send('PUT', 'scale', scale) }],
  [
    /^v1 Pod$/,
    {
      resize: put('resize'),
      ephemeral,
      binding: send('POST', 'binding', { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'node-1' } }),
      eviction: send('POST', 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction' }),
    },
  ],
  [
    /ServiceAccount$/,
    {
      token: send('POST', 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: ['a'], expirationSeconds: 3600 },
      }),
    },
  ],
  [/CertificateSigningRequest$/, { approval: put('approval', 'status') }],
  [/^v1 Namespace$/, { finalize: put('finalize') }],
];

const withoutStatus =
  / (?:ConfigMap|Secret|LimitRange|PodTemplate|.*Role(?:Binding)?|Event|Endpoints|EndpointSlice|Lease|ControllerRevision)$/;

/** All that can be asked of an object of the kind, by name. */
export function asksOf(kind: string): Readonly<Record<string, Ask>> {
  const own = ofKinds.filter(([pattern]) => pattern.test(kind)).map(([, asks]) => asks);
  return Object.assign({}, always, withoutStatus.test(kind) ? {} : status, ...own);
}
