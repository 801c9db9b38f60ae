// Evictions, and budgets in their way.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, post, remove, say, story, template } from './words.ts';

const kinds = ['PodDisruptionBudget', 'Deployment', 'ReplicaSet'];
const budget = (spec: Json, name = 'b') =>
  make('PodDisruptionBudget', name, { spec: { selector: { matchLabels: labels }, ...spec } });
const evict = (name: string, rest: Json = {}) =>
  post('Pod', name, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...rest });
const on = { nodeName: 'n1' };
const two = [pod('p', on), pod('q', on)];
const tell = (title: string, ...steps: Step[]) => story(`evict/${title}`, kinds, pods('away'), ...steps);

export const evictionStories: readonly Story[] = [
  tell(
    'refused',
    ...two,
    say('.', { set: 'ready' }),
    budget({ minAvailable: 2 }),
    evict('p'),
    evict('p', { deleteOptions: { dryRun: ['All'] } }),
  ),
  tell('one, then no more', ...two, say('.', { set: 'ready' }), budget({ minAvailable: 1 }), evict('p'), evict('q')),
  tell('the same twice', ...two, say('.', { set: 'ready' }), budget({ minAvailable: 1 }), evict('p'), evict('p')),
  tell(
    'a budget nobody has looked at',
    pod('p', on),
    say('.', { set: 'ready' }),
    budget({ minAvailable: 1, selector: {} }),
    patch('PodDisruptionBudget', 'b', { status: { observedGeneration: 0 } }, { subresource: 'status' }),
    evict('p'),
  ),
  tell(
    'unready, the budget is unmet, IfHealthyBudget',
    ...two,
    say('p', { set: 'ready' }),
    say('q', { set: 'unready' }),
    budget({ minAvailable: 2, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }),
    evict('q'),
  ),
  tell(
    'unready, the budget is met, IfHealthyBudget',
    ...two,
    say('p', { set: 'ready' }),
    say('q', { set: 'unready' }),
    budget({ minAvailable: 1, unhealthyPodEvictionPolicy: 'IfHealthyBudget' }),
    evict('q'),
  ),
  tell(
    'unready, AlwaysAllow, and one that is ready',
    ...two,
    say('p', { set: 'ready' }),
    say('q', { set: 'unready' }),
    budget({ minAvailable: 2, unhealthyPodEvictionPolicy: 'AlwaysAllow' }),
    evict('p'),
    evict('q'),
  ),
  tell(
    'unready under a budget of nothing',
    pod('p', on),
    say('p', { set: 'unready' }),
    budget({ minAvailable: 0 }),
    evict('p'),
  ),
  tell(
    'of another version',
    pod('p', on),
    evict('p', { deleteOptions: { preconditions: { uid: 'aaaa' } } }),
    evict('p', { deleteOptions: { preconditions: { uid: '{uid:Pod/p}' }, gracePeriodSeconds: 7 } }),
  ),
  tell('another name within', pod('p', on), evict('p', { metadata: { name: 'q' } }), evict('none')),
  tell(
    'with a finalizer',
    make('Pod', 'p', { metadata: { labels, finalizers: ['example.com/held'] }, spec: podSpec(on) }),
    say('p', { set: 'ready' }),
    budget({ maxUnavailable: 1 }),
    evict('p'),
    evict('p'),
  ),
  tell(
    'a budget with no selector',
    pod('p', on),
    say('p', { set: 'ready' }),
    budget({ minAvailable: 1, selector: null }),
    evict('p'),
  ),
  tell(
    'a deployment, one after another',
    make('Deployment', 'd', { spec: { replicas: 3, selector: { matchLabels: labels }, template: template(on) } }),
    pods('ready'),
    budget({ maxUnavailable: '30%' }),
    patch('Deployment', 'd', { spec: { replicas: 1 } }),
    patch('Deployment', 'd', { spec: { replicas: 0 } }),
    remove('Deployment', 'd'),
  ),
  story(
    'pdb/percent beyond',
    kinds,
    budget({ minAvailable: '101%' }),
    budget({ maxUnavailable: '-1%' }),
    budget({ minAvailable: -1 }),
    budget({ maxUnavailable: 'all' }),
    budget({ unhealthyPodEvictionPolicy: 'Odd' }),
  ),
  story(
    'pdb/a selector changes',
    kinds,
    pods('ready'),
    pod('p'),
    budget({ minAvailable: 1 }),
    patch('PodDisruptionBudget', 'b', { spec: { selector: { matchLabels: { app: 'z' } } } }),
    patch('PodDisruptionBudget', 'b', { spec: { minAvailable: null, maxUnavailable: 1 } }),
  ),
];
