import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateSigningRequest } from '../../../generated/certificates-v1.ts';
import { FieldErrors } from '../meta/field-errors.ts';
import { certificateSigningRequestKind } from './certificate-signing-request.ts';

const given = { type: 'Approved', status: 'True', reason: 'R', message: 'm' } as const;
const then = '2030-01-01T00:00:00Z';
const stored = { ...given, lastUpdateTime: then, lastTransitionTime: then };
const request = (...conditions: object[]) =>
  ({ metadata: { name: 'a' }, spec: {}, status: { conditions } }) as unknown as CertificateSigningRequest;

test('who writes the status may leave out when a request was approved', () => {
  const { prepareForUpdate, validateUpdate } = certificateSigningRequestKind.subresources!['status']!;
  const [next, current] = [request(given, { type: 'Failed', status: 'True', reason: 'Mine' }), request(stored)];
  const nowMs = Date.UTC(2030, 0, 2);
  prepareForUpdate!(next, current, { nowMs } as never);
  const errors = new FieldErrors();
  validateUpdate!(next, current, errors);
  assert.deepEqual(errors.list, []);
  assert.deepEqual(next.status?.conditions?.[0], stored);
  assert.equal(next.status?.conditions?.[1]?.lastTransitionTime, '2030-01-02T00:00:00Z');
});
