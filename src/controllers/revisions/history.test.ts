import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionData } from './history.ts';

test('a revision holds its template with the names in order, as clients compare it', () => {
  const container = { name: 'main', image: 'nginx', args: ['b', 'a'] };
  const template = { metadata: { name: '', labels: { b: '2', a: '1' } }, spec: { containers: [container] } };
  const text =
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"1","b":"2"},"name":""},' +
    '"spec":{"containers":[{"args":["b","a"],"image":"nginx","name":"main"}]}}}}';
  assert.equal(JSON.stringify(revisionData(template)), text);
});
