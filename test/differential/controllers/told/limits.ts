// What a LimitRange fills in, and what it refuses.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { make, patch, podSpec, pods, story, wait } from './words.ts';

const kinds = ['LimitRange', 'PersistentVolumeClaim', 'Deployment', 'ReplicaSet'];
const range = (type: string, rest: Json, name = 'l') =>
  make('LimitRange', name, { spec: { limits: [{ type, ...rest }] } });
const sized = (name: string, resources: Json, spec: Json = {}) =>
  make('Pod', name, { spec: podSpec(spec, { resources }) });
const claim = (name: string, requests: Json, more: Json = {}) =>
  make('PersistentVolumeClaim', name, {
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests, ...more } },
  });
/** The API looks at what its cache has. */
const tell = (title: string, limit: Step, ...steps: Step[]) =>
  story(`limit/${title}`, kinds, pods('stay'), limit, wait(1), ...steps);

export const limitStories: readonly Story[] = [
  tell('only most', range('Container', { max: { cpu: '1' } }), sized('p', {}), sized('q', { limits: { cpu: '2' } })),
  tell(
    'only least',
    range('Container', { min: { cpu: '100m' } }),
    sized('p', {}),
    sized('q', { requests: { cpu: '50m' } }),
    sized('r', { limits: { cpu: '200m' } }),
  ),
  tell(
    'only a default request',
    range('Container', { defaultRequest: { cpu: '100m', memory: '1Mi' } }),
    sized('p', {}),
    sized('q', { limits: { cpu: '50m' } }),
    sized('r', { requests: { cpu: '1' } }),
  ),
  tell(
    'only a default',
    range('Container', { default: { memory: '1Gi' } }),
    sized('p', {}),
    sized('q', { requests: { memory: '2Gi' } }),
    sized('r', {}, { initContainers: [{ name: 'i', image: 'i' }] }),
  ),
  tell(
    'a ratio',
    range('Container', { maxLimitRequestRatio: { cpu: '2' } }),
    sized('p', { requests: { cpu: '1' }, limits: { cpu: '2' } }),
    sized('q', { requests: { cpu: '1' }, limits: { cpu: '2500m' } }),
    sized('r', { requests: { cpu: '1' } }),
    sized('s', {}),
  ),
  tell(
    'of the pod, least and most',
    range('Pod', { min: { memory: '10Mi' }, max: { memory: '100Mi' } }),
    sized('p', {}),
    sized('q', { requests: { memory: '5Mi' }, limits: { memory: '20Mi' } }),
    sized(
      'r',
      { limits: { memory: '60Mi' } },
      { initContainers: [{ name: 'i', image: 'i', resources: { limits: { memory: '200Mi' } } }] },
    ),
    sized('s', { limits: { memory: '60Mi' } }),
  ),
  tell(
    'of the pod, a ratio',
    range('Pod', { maxLimitRequestRatio: { cpu: '1500m' } }),
    sized('p', { requests: { cpu: '1' }, limits: { cpu: '2' } }),
  ),
  tell(
    'of claims',
    range('PersistentVolumeClaim', { min: { storage: '1Gi' }, max: { storage: '5Gi' } }),
    claim('a', { storage: '500Mi' }),
    claim('b', { storage: '6Gi' }),
    claim('c', { storage: '2Gi' }),
    patch('PersistentVolumeClaim', 'c', { spec: { resources: { requests: { storage: '9Gi' } } } }),
  ),
  tell(
    'a deployment is refused',
    range('Container', { max: { cpu: '1' } }),
    make('Deployment', 'd', {
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a' } }, spec: podSpec({}, { resources: { limits: { cpu: '2' } } }) },
      },
    }),
  ),
  tell(
    'two of them',
    range('Container', { default: { cpu: '1' } }),
    range('Container', { max: { memory: '1Gi' } }, 'm'),
    wait(1),
    sized('p', {}),
    sized('q', { limits: { memory: '2Gi' } }),
  ),
  tell(
    'whole pods',
    range('Container', { default: { cpu: '1' }, defaultRequest: { cpu: '500m' } }),
    sized('p', {}, { resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }),
  ),
  tell(
    'changed later',
    range('Container', { max: { cpu: '1' } }),
    sized('p', { limits: { cpu: '1' } }),
    patch('LimitRange', 'l', { spec: { limits: [{ type: 'Container', max: { cpu: '500m' } }] } }),
    patch('Pod', 'p', { metadata: { labels: { x: 'y' } } }),
  ),
  ...(
    [
      ['default above most', { type: 'Container', max: { cpu: '1' }, default: { cpu: '2' } }],
      ['default below least', { type: 'Container', min: { cpu: '1' }, default: { cpu: '500m' } }],
      ['request above default', { type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '2' } }],
      ['least above most', { type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }],
      ['a ratio below one', { type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }],
      [
        'a ratio that the bounds forbid',
        { type: 'Container', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3' } },
      ],
      ['defaults of pods', { type: 'Pod', default: { cpu: '1' } }],
      ['claims without bounds', { type: 'PersistentVolumeClaim' }],
      ['another type', { type: 'Odd', max: { cpu: '1' } }],
      ['a resource nobody knows', { type: 'Container', max: { odd: '1' } }],
    ] as const
  ).map(([title, limit]) => story(`limit/${title}`, kinds, make('LimitRange', 'l', { spec: { limits: [limit] } }))),
  story(
    'limit/a type twice',
    kinds,
    make('LimitRange', 'l', {
      spec: {
        limits: [
          { type: 'Pod', max: { cpu: '1' } },
          { type: 'Pod', min: { cpu: '1' } },
        ],
      },
    }),
  ),
];
