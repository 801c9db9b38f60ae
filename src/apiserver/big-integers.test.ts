import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './testing/serve.ts';

const pods = '/api/v1/namespaces/default/pods';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const type = (name: string) => ({ 'content-type': `application/${name}` });
const odd = '9007199254740993'; // the first integer that a double cannot hold

const pod = `{"metadata":{"name":"a"},"spec":{"terminationGracePeriodSeconds":${odd},"containers":[{"name":"a","image":"b"}]}}`;
const widget = `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"count":${odd},"free":{"list":[-9223372036854775808,92233720368547758070]}}`;

const definition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            'x-kubernetes-preserve-unknown-fields': true,
            properties: { count: { type: 'integer' } },
          },
        },
      },
    ],
  },
};

const writes: readonly {
  name: string;
  method: string;
  body: (text: string) => string;
  type: string;
  query?: string;
}[] = [
  { name: 'a merge patch', method: 'PATCH', body: () => '{"metadata":{"labels":{"x":"1"}}}', type: 'merge-patch+json' },
  {
    name: 'a JSON patch',
    method: 'PATCH',
    body: () => '[{"op":"add","path":"/metadata/labels","value":{"x":"2"}}]',
    type: 'json-patch+json',
  },
  {
    name: 'an apply',
    method: 'PATCH',
    body: (text) =>
      `{${/"apiVersion":"[^"]*","kind":"[^"]*",/.exec(text)?.[0]}"metadata":{"name":"a","labels":{"x":"3"}}}`,
    type: 'apply-patch+yaml',
    query: '?fieldManager=m&force=true',
  },
  {
    name: 'a put',
    method: 'PUT',
    body: (text) => text.replace('"labels":{"x":"3"}', '"labels":{"x":"4"}'),
    type: 'json',
  },
  {
    name: 'a dry run',
    method: 'PATCH',
    body: () => '{"metadata":{"labels":{"x":"5"}}}',
    type: 'merge-patch+json',
    query: '?dryRun=All',
  },
];

test('integers of int64 keep their digits in built-in objects', async () => {
  await using api = await serve();
  const made = await api.call('POST', pods, pod);
  assert.equal(made.status, 201, made.text);
  const head = '"kind":"Pod","apiVersion":"v1",';
  let text = made.text;
  for (const each of writes) {
    const body = each.type === 'apply-patch+yaml' ? each.body('"apiVersion":"v1","kind":"Pod",') : each.body(text);
    const answer = await api.call(each.method, `${pods}/a${each.query ?? ''}`, body, type(each.type));
    assert.equal(answer.status, 200, `${each.name}: ${answer.text}`);
    assert.ok(answer.text.startsWith(`{${head}`));
    assert.ok(answer.text.includes(`"terminationGracePeriodSeconds":${odd}`), `${each.name}: ${answer.text}`);
    text = answer.text;
  }
  const yaml = await api.call('GET', `${pods}/a`, undefined, { accept: 'application/yaml' });
  assert.ok(yaml.text.includes(`terminationGracePeriodSeconds: ${odd}`));
});

test('custom resources keep what an int64 holds, and round what only a double does', async () => {
  await using api = await serve();
  await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  while ((await api.call('GET', widgets)).status === 404);
  const made = await api.call('POST', widgets, widget);
  assert.equal(made.status, 201, made.text);
  let text = made.text;
  for (const each of writes) {
    const answer = await api.call(each.method, `${widgets}/a${each.query ?? ''}`, each.body(text), type(each.type));
    assert.equal(answer.status, 200, `${each.name}: ${answer.text}`);
    assert.ok(answer.text.includes(`"count":${odd}`), `${each.name}: ${answer.text}`);
    assert.ok(answer.text.includes('[-9223372036854775808,92233720368547760000]'), answer.text);
    text = answer.text;
  }
  const infinite = await api.call('POST', widgets, widget.replace(odd, '1e400'));
  assert.equal(infinite.status, 400);
  assert.match(infinite.body.message, /cannot unmarshal number 1e400 into Go value of type float64/);
});
