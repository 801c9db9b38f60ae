import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidatingAdmissionPolicy } from '../../../generated/admissionregistration-v1.ts';
import type { Client } from '../../client/client.ts';
import { ServedKinds } from './served-kinds.ts';
import { typeCheck } from './type-check.ts';

const properties = {
  metadata: { $ref: '#/components/schemas/Meta' },
  spec: {
    type: 'object',
    properties: {
      size: { type: 'integer' },
      port: { format: 'int-or-string', oneOf: [] },
      when: { allOf: [{ $ref: '#/components/schemas/Time' }], default: {} },
      'with-dash': { type: 'array', items: { type: 'string' } },
      limits: { type: 'object', additionalProperties: { $ref: '#/components/schemas/Quantity' } },
      inner: { $ref: '#/components/schemas/Thing' },
    },
  },
};
const mark = [{ group: 'example.com', version: 'v1', kind: 'Thing' }];
const schemas = {
  Thing: { type: 'object', properties, 'x-kubernetes-group-version-kind': mark },
  Meta: { type: 'object', properties: { labels: { type: 'object', additionalProperties: { type: 'string' } } } },
  Time: { type: 'string', format: 'date-time' },
  Quantity: { oneOf: [{ type: 'string' }, { type: 'number' }] },
};
const resources = [{ resource: 'things', responseKind: { kind: 'Thing' } }];
const answers: Record<string, object> = {
  '/api': { items: [] },
  '/apis': { items: [{ metadata: { name: 'example.com' }, versions: [{ version: 'v1', resources }] }] },
  '/openapi/v3/apis/example.com/v1': { components: { schemas } },
};
const client = { getJson: async (path: string) => answers[path] } as unknown as Client;

async function warnings(expressions: readonly string[], more: object = {}): Promise<Record<string, string>> {
  const rule = { apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['things'], operations: ['*'] };
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: expressions.map((expression) => ({ expression })),
    ...more,
  };
  const policy = { metadata: { name: 'p' }, spec } as unknown as ValidatingAdmissionPolicy;
  const found = await typeCheck(policy, new ServedKinds(client, new AbortController().signal));
  return Object.fromEntries(found.map(({ fieldRef, warning }) => [fieldRef, warning.split('\n')[0]!]));
}

const at = (index: number) => `spec.validations[${index}].expression`;
const says = (column: number, problem: string) => `example.com/v1, Kind=Thing: ERROR: <input>:1:${column}: ${problem}`;

test('expressions are held against the types of what the rules name', async () => {
  assert.deepEqual(
    await warnings([
      "object.spec.size > '1'",
      'object.spec.nope == 1',
      'oldObject.spec.inner.spec.inner.spec.size == 1',
      "object.spec.port == 1 || object.spec.port == '1'",
      "object.spec.when == 'x'",
      "object.spec.with__dash__dash == ['x']",
      "object.metadata.labels.a == 'b' && object.kind == 'Thing'",
      "object.spec.limits['cpu'] == '1'",
    ]),
    {
      [at(0)]: says(18, "found no matching overload for '_>_' applied to '(int, string)'"),
      [at(1)]: says(12, "undefined field 'nope'"),
      [at(4)]: says(18, "found no matching overload for '_==_' applied to '(timestamp, string)'"),
      [at(7)]: says(12, "undefined field 'limits'"),
    },
  );
});

test('variables have the types of what they stand for', async () => {
  const variables = [{ name: 'size', expression: 'object.spec.size' }];
  const [problem] = Object.values(await warnings(["variables.size == 'x'"], { variables }));
  assert.equal(problem, says(16, "found no matching overload for '_==_' applied to '(int, string)'"));
});

test('rules for all kinds, and kinds that nobody serves, say nothing of types', async () => {
  for (const [apiGroups, resource] of [
    [['*'], 'things'],
    [['example.com'], 'others'],
  ] as const) {
    const rule = { apiGroups, apiVersions: ['v1'], resources: [resource], operations: ['*'] };
    assert.deepEqual(await warnings(['object.nope'], { matchConstraints: { resourceRules: [rule] } }), {});
  }
});
