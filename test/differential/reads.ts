// What is read of stored objects: alone, in lists and in watches, with options that fit and options that do not.
import type { Random } from '../../src/base/random.ts';
import type { Ask } from './questions.ts';
import type { Question, Read } from './trial.ts';

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const meta = 'g=meta.k8s.io';
const accepts = [
  ...Array.from({ length: 8 }, () => 'application/json'),
  `application/json;as=Table;v=v1;${meta}`,
  `application/json;as=Table;v=v1;${meta}`,
  `application/json;as=Table;v=v1beta1;${meta},application/json`,
  `application/json;as=PartialObjectMetadataList;v=v1;${meta}`,
  `application/json;as=PartialObjectMetadata;v=v1;${meta}`,
  `application/json;as=Bogus;v=v1;${meta}`,
  'text/plain',
  '*/*',
];

const wrongTokens = [
  'x',
  '%%%',
  token({}),
  token({ v: 'meta.k8s.io/v1', rv: -1, start: 'a\u0000' }),
  token({ v: 'meta.k8s.io/v1', rv: 1, start: '' }),
  token({ v: 'meta.k8s.io/v1', rv: 5, start: '../a' }),
  token({ v: 'v2', rv: 5, start: 'a' }),
];

const labelSelectors = [
  'app=x',
  'app',
  '!app',
  'app in (x,y)',
  'app notin (x)',
  'app!=x',
  'a>1',
  'a<b',
  'a in (',
  'a in ()',
  'a=b,',
  ',',
  'a==b=c',
  'Bad Key=x',
  `a=${'x'.repeat(64)}`,
  'a in (b',
  'a,!a',
  '=',
  'a b',
];
const fieldSelectors = [
  'metadata.name=NAME',
  'metadata.name!=NAME',
  'metadata.namespace=NS',
  'metadata.name=NAME,metadata.namespace=NS',
  'metadata.name',
  'a.b=c',
  'metadata.name>a',
  'status.phase=Pending',
  'spec.nodeName=',
  'type=Opaque',
  ',',
  '=',
  'metadata.name=a\\',
  'metadata.name=a\\,b',
];

const isWatch = (value: string): boolean => !['', '0', 'false'].includes(value);

/** Each option now and then; those of a list more often than not. */
export const readList =
  (watches: boolean): Ask =>
  ({ base, stored, random, collection }) => {
    const { name, namespace = '', resourceVersion } = stored['metadata'];
    const said: string[] = [];
    const query = new URLSearchParams();
    const maybe = (share: number, option: string, values: readonly string[]) => {
      if (random.next() > share) return;
      const value = pick(random, values);
      said.push(`${option}=${value}`);
      query.set(
        option,
        value
          .replace(/\bNAME\b/g, name)
          .replace(/=NS\b/g, `=${namespace}`)
          .replace(/^RV$/, resourceVersion),
      );
    };
    if (watches) maybe(1, 'watch', ['true', '1', 'true', 'true', 'x', 'T', 'false']);
    maybe(watches ? 0.1 : 0.5, 'limit', ['1', '1', '2', '0', '-1', 'a', '99999999999999999999', '']);
    maybe(0.15, 'continue', wrongTokens);
    maybe(0.5, 'resourceVersion', ['0', 'RV', 'RV', 'x', '-1', '']);
    maybe(0.35, 'resourceVersionMatch', ['Exact', 'NotOlderThan', 'NotOlderThan', 'bogus', '']);
    maybe(0.3, 'labelSelector', labelSelectors);
    maybe(0.3, 'fieldSelector', fieldSelectors);
    maybe(watches ? 0.4 : 0.08, 'sendInitialEvents', ['true', 'true', 'false', 'x', '']);
    maybe(watches ? 0.3 : 0.05, 'allowWatchBookmarks', ['true', 'false', 'x']);
    maybe(0.15, 'includeObject', ['None', 'Metadata', 'Object', 'bogus']);
    maybe(0.05, 'timeoutSeconds', ['x', '-1', '1.5', '']);
    if (!query.has('timeoutSeconds')) query.set('timeoutSeconds', '1');
    // What others store meanwhile is none of the question's.
    const isWatching = isWatch(query.get('watch') ?? '');
    if (!query.has('fieldSelector') && (isWatching || !query.has('limit')))
      query.set('fieldSelector', `metadata.name=${name}`);
    const accept = pick(random, accepts);
    const path = `${collection}?${query}`;
    const further = random.next() < 0.5;
    const next = (read: Read): Question | undefined => {
      const more: unknown = read.body?.metadata?.continue;
      if (!further || typeof more !== 'string' || more === '') return undefined;
      const following = new URLSearchParams(query);
      following.delete('resourceVersion');
      following.delete('resourceVersionMatch');
      following.set('continue', more);
      return { method: 'GET', path: `${collection}?${following}`, accept };
    };
    const how = `${said.join('&')} ${accept === 'application/json' ? '' : accept}${further ? ' and on' : ''}`;
    return { question: { method: 'GET', path, accept, next }, how: `${base.kind}: ${how}` };
  };

export const readOne: Ask = ({ stored, random, collection }) => {
  const { name, resourceVersion } = stored['metadata'];
  const query = new URLSearchParams();
  if (random.next() < 0.4) query.set('resourceVersion', pick(random, ['0', 'x', '-1', '', resourceVersion]));
  if (random.next() < 0.2) query.set('includeObject', pick(random, ['None', 'Metadata', 'Object', 'bogus']));
  if (random.next() < 0.1) query.set('resourceVersionMatch', 'Exact');
  const accept = pick(random, accepts);
  const which = pick(random, [name, name, name, 'none', 'Bad_Name']);
  const path = `${collection}/${encodeURIComponent(which)}?${query}`;
  return { question: { method: 'GET', path, accept }, how: `${which === name ? 'it' : which} ${query} ${accept}` };
};
