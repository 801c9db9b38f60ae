import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusFromAnswer } from './status-from-answer.ts';

const answer = (code: number, text: string, path: string, method = 'GET') =>
  statusFromAnswer(code, Buffer.from(text), { method, path });

test('an answer that is no Status is told in words, with what was asked for', () => {
  const pods = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb';
  const away = answer(503, 'service unavailable\n', pods);
  assert.equal(away.message, 'the server is currently unable to handle the request (get pods.metrics.k8s.io)');
  assert.deepEqual([away.reason, away.code], ['ServiceUnavailable', 503]);
  const one = answer(404, '404 page not found', '/api/v1/namespaces/default/pods/web-0', 'DELETE');
  assert.equal(one.message, 'the server could not find the requested resource (delete pods web-0)');
  assert.equal(answer(403, 'no ', '/version').message, 'no');
  assert.equal(
    answer(502, 'bad "gateway"', '/api/v1/namespaces/kube-system', 'PUT').message,
    'an error on the server ("bad \\"gateway\\"") has prevented the request from succeeding (put namespaces kube-system)',
  );
  assert.equal(
    answer(418, '', '/api/v1/nodes').message,
    'the server responded with the status code 418 but did not return more information (get nodes)',
  );
});

test('an answer that is a Status is that Status', () => {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'gone',
    reason: 'Expired',
  };
  const error = answer(410, JSON.stringify(status), '/api/v1/pods');
  assert.deepEqual([error.message, error.reason, error.code], ['gone', 'Expired', 410]);
});
