import assert from 'node:assert/strict';
import test from 'node:test';
import { familiarReference, normaliseReference } from './reference.ts';

for (const [given, want] of [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.7.9', 'docker.io/library/nginx:1.7.9'],
  ['acme/web', 'docker.io/acme/web:latest'],
  ['localhost/web:1', 'localhost/web:1'],
  ['localhost:5000/web', 'localhost:5000/web:latest'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ['nginx@sha256:abc', 'docker.io/library/nginx@sha256:abc'],
] as const) {
  test(`normaliseReference completes ${given}`, () => assert.equal(normaliseReference(given), want));
}

test('normaliseReference refuses what could be read as an option or as two words', () => {
  for (const bad of ['', '--all', 'a b', 'a\nb']) assert.throws(() => normaliseReference(bad), /not valid/);
});

test('familiarReference drops the default registry', () => {
  assert.equal(familiarReference('docker.io/library/nginx:1.7.9'), 'nginx:1.7.9');
  assert.equal(familiarReference('docker.io/acme/web:1'), 'acme/web:1');
  assert.equal(familiarReference('registry.k8s.io/pause:3.10'), 'registry.k8s.io/pause:3.10');
});
