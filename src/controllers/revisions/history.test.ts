import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import { defaultPodTemplate } from '../../api/core/pod-defaults.ts';
import { canonical } from '../../schema/codec.ts';
import { bringsBack, revisionData } from './history.ts';

test('a revision holds its template with the names in order, as clients compare it', () => {
  const container = { name: 'main', image: 'nginx', args: ['b', 'a'] };
  const template = { metadata: { name: '', labels: { b: '2', a: '1' } }, spec: { containers: [container] } };
  const text =
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"1","b":"2"},"name":""},' +
    '"spec":{"containers":[{"args":["b","a"],"image":"nginx","name":"main"}]}}}}';
  assert.equal(JSON.stringify(revisionData(template)), text);
});

test('a revision that an older server wrote is that of a template which differs by its defaults alone', () => {
  const old = { metadata: { creationTimestamp: null }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const template = canonical<PodTemplateSpec>('io.k8s.api.core.v1.PodTemplateSpec', old);
  defaultPodTemplate(template);
  const revision = (content: object) =>
    freeze({ metadata: { name: 'r' }, revision: 1, data: { spec: { template: { ...content, $patch: 'replace' } } } });
  const isSame = (content: object) => bringsBack(revision(content), revisionData(template), defaultPodTemplate);
  assert.deepEqual([old, template, { ...old, spec: { containers: [{ name: 'c', image: 'j' }] } }].map(isSame), [
    true,
    true,
    false,
  ]);
  const empty = freeze({ metadata: { name: 'r' }, revision: 1, data: {} });
  assert.equal(bringsBack(empty, revisionData(template), defaultPodTemplate), false);
});

/** As informers give them. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const each of Object.values(Object.freeze(value))) freeze(each);
  return value;
}
