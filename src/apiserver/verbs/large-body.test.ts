// Large bodies are read in a thread of their own: what comes of them must be what comes of small ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const filling = 'x'.repeat(100 * 1024);

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  /** `filling` stands where a body can be made large. */
  readonly body: (filling: string) => string;
}

const object = (more: object) => JSON.stringify({ metadata: { name: 'made' }, ...more });

const cases: readonly Case[] = [
  { name: 'a good object', body: (fill) => object({ data: { b: fill, a: 'first' } }) },
  { name: 'an unknown field', path: `${configMaps}?fieldValidation=Strict`, body: (data) => object({ no: data }) },
  { name: 'a warning', body: (fill) => object({ data: { a: fill }, other: 1 }) },
  { name: 'a wrong type', body: (fill) => `{"metadata":7,"data":{"a":"${fill}"}}` },
  { name: 'bad syntax', body: (fill) => `{"data":{"a":"${fill}"` },
  { name: 'another kind', body: (fill) => object({ kind: 'Secret', apiVersion: 'v1', data: { a: fill } }) },
  { name: 'no such kind', body: (fill) => object({ kind: 'No', apiVersion: 'v9', data: { a: fill } }) },
  { name: 'a key given twice', body: (fill) => `{"metadata":{"name":"made"},"data":{"a":"1","a":"${fill}"}}` },
  {
    name: 'a number beyond 2^53',
    path: '/apis/batch/v1/namespaces/default/jobs',
    body: (fill) =>
      `{"metadata":{"name":"made","annotations":{"a":"${fill}"},"generation":9007199254740993},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"a"}]}}}}`,
  },
  ...['application/merge-patch+json', 'application/strategic-merge-patch+json'].flatMap((type) => [
    { name: `a ${type}`, method: 'PATCH', type, body: (fill: string) => JSON.stringify({ data: { a: fill } }) },
    { name: `a ${type} that is none`, method: 'PATCH', type, body: (fill: string) => JSON.stringify([fill]) },
  ]),
  {
    name: 'a JSON patch',
    method: 'PATCH',
    type: 'application/json-patch+json',
    body: (fill) => JSON.stringify([{ op: 'add', path: '/data', value: { a: fill } }]),
  },
  {
    name: 'a JSON patch that is none',
    method: 'PATCH',
    type: 'application/json-patch+json',
    body: (fill) => JSON.stringify({ op: 'add', value: fill }),
  },
  ...['', 'x: ['].map((end) => ({
    name: `an apply body in YAML ${end && 'that is none'}`,
    method: 'PATCH',
    type: 'application/apply-patch+yaml',
    body: (fill: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: there}\ndata: {a: "${fill}"}\n${end}`,
  })),
  {
    name: 'an apply body in JSON',
    method: 'PATCH',
    type: 'application/apply-patch+yaml',
    body: (fill) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there' }, data: { a: fill } }),
  },
];

for (const { name, method = 'POST', path, type = 'application/json', body } of cases) {
  test(`${name} is answered the same, small or large`, async () => {
    const [small, large] = await Promise.all(['x'.repeat(50), filling].map((fill) => answerTo(body(fill), fill)));
    assert.deepEqual(large, small);
  });

  async function answerTo(text: string, fill: string) {
    await using api = await serve();
    await api.call('POST', configMaps, { metadata: { name: 'there' } });
    const asked = path ?? (method === 'PATCH' ? `${configMaps}/there?fieldManager=me` : configMaps);
    const { status, body, headers } = await api.call(method, asked, text, { 'content-type': type });
    const plain = JSON.stringify(body)
      .replaceAll(fill, 'FILL')
      .replace(/"uid":"[^"]*"|"(?:creationTimestamp|time)":"[^"]*"/g, '');
    return { status, plain, warning: headers['warning'] };
  }
}
