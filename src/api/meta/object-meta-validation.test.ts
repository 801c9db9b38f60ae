import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectMeta } from '../../../generated/meta-v1.ts';
import { FieldErrors } from './field-errors.ts';
import { validateMetadata, validateMetadataUpdate } from './object-meta-validation.ts';

const stored: ObjectMeta = { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '7' };

function errorsOf(check: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.list.map(({ field, body }) => `${field}: ${body.slice(0, 60)}`);
}

test('metadata with nothing wrong has no errors', () => {
  assert.deepEqual(
    errorsOf((errors) => validateMetadata(stored, { namespaced: true }, errors)),
    [],
  );
});

test('a name or a generateName is required, and only namespaced kinds have a namespace', () => {
  const metadata = { name: '', namespace: 'shop' };
  assert.deepEqual(
    errorsOf((errors) => validateMetadata(metadata, { namespaced: false }, errors)),
    [
      'metadata.name: Required value: name or generateName is required',
      'metadata.namespace: Forbidden: not allowed on this type',
    ],
  );
});

test('finalizers of custom resources need no prefix', () => {
  const metadata = { ...stored, finalizers: ['mine'] };
  const check = (takesAnyFinalizer: boolean) => (errors: FieldErrors) =>
    validateMetadata(metadata, { namespaced: true, takesAnyFinalizer }, errors);
  assert.equal(errorsOf(check(true)).length, 0);
  assert.match(errorsOf(check(false))[0]!, /metadata\.finalizers\[0\]: Invalid value: "mine": name is neither/);
});

test('an update may not change the uid, and says so as often as upstream does', () => {
  const next = { ...stored, uid: 'u2' };
  assert.deepEqual(
    errorsOf((errors) => validateMetadataUpdate(next, stored, { namespaced: true }, errors)),
    ['metadata.uid: Invalid value: "u2": field is immutable', 'metadata.uid: Invalid value: "u2": field is immutable'],
  );
});

test('an object that is going takes no new finalizers', () => {
  const going = { ...stored, deletionTimestamp: '2026-01-01T00:00:00Z' };
  const next = { ...going, finalizers: ['example.com/a'] };
  const errors = errorsOf((list) => validateMetadataUpdate(next, going, { namespaced: true }, list));
  assert.match(errors[0]!, /^metadata\.finalizers: Forbidden: no new finalizers can be added/);
});
