import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertProblem } from './convert-problem.ts';

const pod = 'io.k8s.api.core.v1.Pod';
const withContainer = (container: object) => ({ spec: { containers: [{ name: 'a', ...container }] } });

test('what is no object of a type is told in the words of the converter, the first in order of fields', () => {
  const cases = [
    [{ spec: 1 }, 'cannot restore struct from: int64'],
    [{ spec: { containers: 'a' } }, 'cannot restore slice from string'],
    [{ spec: { nodeSelector: [] } }, 'cannot restore map from slice'],
    [withContainer({ image: {} }), 'unrecognized type: string'],
    [withContainer({ image: 1 }), 'cannot convert int64 to string'],
    [withContainer({ stdin: 'yes' }), 'unrecognized type: bool'],
    [withContainer({ livenessProbe: { periodSeconds: '' } }), 'unrecognized type: int32'],
    [withContainer({ livenessProbe: { periodSeconds: 1.5 } }), 'cannot convert float64 to int32'],
    [{ spec: { nodeName: null, containers: [{ name: [] }], hostname: 1 } }, 'unrecognized type: string'],
    [withContainer({ ports: [{ containerPort: 80 }] }), undefined],
  ] as const;
  for (const [object, problem] of cases) assert.equal(convertProblem(pod, object), problem, JSON.stringify(object));
});
