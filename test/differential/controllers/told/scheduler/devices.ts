// Devices that pods claim.
import type { Json } from '../../side.ts';
import type { Story } from '../../stories.ts';
import { labels, make, patch, remove } from '../words.ts';
import { ask, node, pod, tell } from './words.ts';

const slice = (name: string, devices: Json[], more: Json = {}) =>
  make('ResourceSlice', `{ns}-${name}`, {
    spec: {
      driver: '{ns}.example.com',
      nodeName: `{ns}-${name}`,
      pool: { name: `{ns}-${name}`, generation: 1, resourceSliceCount: 1 },
      devices,
      ...more,
    },
  });
const deviceClass = (rest: Json = {}) =>
  make('DeviceClass', '{ns}', {
    spec: { selectors: [{ cel: { expression: 'device.driver == "{ns}.example.com"' } }], ...rest },
  });
const exactly = (more: Json = {}) => ({ name: 'r', exactly: { deviceClassName: '{ns}', ...more } });
const devices = (name: string, request: Json, more: Json = {}) =>
  make('ResourceClaim', name, { spec: { devices: { requests: [request], ...more } } });
const usesDevice = (name: string) =>
  [{ resourceClaims: [{ name: 'd', resourceClaimName: name }] }, { resources: { claims: [{ name: 'd' }] } }] as const;
const d = (name: string, more: Json = {}) => ({ name, ...more });

export const deviceStories: readonly Story[] = [
  tell(
    'device/class missing',
    node('a'),
    slice('a', [d('0')]),
    devices('c', { name: 'r', exactly: { deviceClassName: 'nothing' } }),
    pod('p', ...usesDevice('c')),
    remove('ResourceClaim', 'c'),
  ),
  tell(
    'device/more than there are',
    node('a'),
    node('b'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly({ count: 2 })),
    pod('p', ...usesDevice('c')),
    slice('b', [d('0'), d('1')]),
  ),
  tell(
    'device/all of a node',
    node('a'),
    deviceClass(),
    slice('a', [d('0'), d('1')]),
    devices('c', exactly({ allocationMode: 'All' })),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ allocationMode: 'All' })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/first available',
    node('a'),
    deviceClass(),
    slice('a', [d('0'), d('1')]),
    devices('c', {
      name: 'r',
      firstAvailable: [
        { name: 'many', deviceClassName: '{ns}', count: 3 },
        { name: 'few', deviceClassName: '{ns}', count: 2 },
      ],
    }),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/constraint',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { attributes: { m: { string: 'x' } } }), d('1', { attributes: { m: { string: 'y' } } })]),
    make('ResourceClaim', 'c', {
      spec: {
        devices: {
          requests: [{ name: 'r', exactly: { deviceClassName: '{ns}', count: 2 } }],
          constraints: [{ requests: ['r'], matchAttribute: '{ns}.example.com/m' }],
        },
      },
    }),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/taint',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { taints: [{ key: 'k', effect: 'NoSchedule' }] })]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ tolerations: [{ key: 'k', operator: 'Exists' }] })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/taint evicts',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    patch('ResourceSlice', '{ns}-a', { spec: { devices: [d('0', { taints: [{ key: 'k', effect: 'NoExecute' }] })] } }),
  ),
  tell(
    'device/bad selector',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices(
      'c',
      exactly({ selectors: [{ cel: { expression: 'device.attributes["{ns}.example.com"].none == "z"' } }] }),
    ),
    pod('p', ...usesDevice('c')),
  ),
  tell(
    'device/partitions',
    node('a'),
    deviceClass(),
    slice(
      'a',
      [
        d('0', { consumesCounters: [{ counterSet: 's', counters: { m: { value: '6' } } }] }),
        d('1', { consumesCounters: [{ counterSet: 's', counters: { m: { value: '6' } } }] }),
      ],
      { pool: { name: '{ns}-a', generation: 1, resourceSliceCount: 2 } },
    ),
    make('ResourceSlice', '{ns}-s', {
      spec: {
        driver: '{ns}.example.com',
        nodeName: '{ns}-a',
        pool: { name: '{ns}-a', generation: 1, resourceSliceCount: 2 },
        sharedCounters: [{ name: 's', counters: { m: { value: '10' } } }],
      },
    }),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    devices('e', exactly()),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/shared capacity',
    node('a'),
    deviceClass(),
    slice('a', [d('0', { allowMultipleAllocations: true, capacity: { m: { value: '10Gi' } } })]),
    devices('c', exactly({ capacity: { requests: { m: '6Gi' } } })),
    pod('p', ...usesDevice('c')),
    devices('e', exactly({ capacity: { requests: { m: '6Gi' } } })),
    pod('q', ...usesDevice('e')),
  ),
  tell(
    'device/claim goes when its pods have',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    devices('c', exactly()),
    pod('p', ...usesDevice('c')),
    pod('q', ...usesDevice('c')),
    remove('Pod', 'p'),
    remove('Pod', 'q'),
    remove('ResourceClaim', 'c'),
  ),
  tell(
    'device/template missing, then there',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    pod(
      'p',
      { resourceClaims: [{ name: 'd', resourceClaimTemplateName: 't' }] },
      { resources: { claims: [{ name: 'd' }] } },
    ),
    make('ResourceClaimTemplate', 't', {
      metadata: { labels },
      spec: { metadata: { labels: { from: 't' } }, spec: { devices: { requests: [exactly()] } } },
    }),
    remove('Pod', 'p'),
  ),
  tell(
    'device/extended resource of a class',
    node('a'),
    node('b'),
    deviceClass({ extendedResourceName: 'example.com/{ns}' }),
    slice('a', [d('0'), d('1')]),
    pod('p', {}, ask('100m', { 'example.com/{ns}': '1' })),
    pod('q', {}, ask('100m', { 'example.com/{ns}': '1' })),
    pod('r', {}, ask('100m', { 'example.com/{ns}': '1' })),
    remove('Pod', 'p'),
  ),
  tell(
    'device/implicit extended resource',
    node('a'),
    deviceClass(),
    slice('a', [d('0')]),
    pod('p', {}, ask('100m', { 'deviceclass.resource.kubernetes.io/{ns}': '1' })),
    pod('q', {}, ask('100m', { 'deviceclass.resource.kubernetes.io/{ns}': '2' })),
  ),
  tell(
    'device/extended resource that a plugin has',
    node('a', { room: { 'example.com/gpu': '1' } }),
    node('b'),
    make('DeviceClass', '{ns}', {
      spec: {
        extendedResourceName: 'example.com/gpu',
        selectors: [{ cel: { expression: 'device.driver == "{ns}.example.com"' } }],
      },
    }),
    slice('b', [d('0')]),
    pod('p', {}, ask('100m', { 'example.com/gpu': '1' })),
    pod('q', {}, ask('100m', { 'example.com/gpu': '1' })),
    pod('r', {}, ask('100m', { 'example.com/gpu': '1' })),
  ),
];
