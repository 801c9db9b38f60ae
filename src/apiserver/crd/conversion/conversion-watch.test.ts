// Writers in both versions, watchers in both that begin anywhere, a webhook that takes its time: all see the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../base/random.ts';
import { events, serve } from '../../testing/serve.ts';
import { testWebhook } from '../../testing/webhook.ts';

const group = 'oracle.example.com';
const at = (version: string) => `/apis/${group}/${version}/namespaces/default/things`;
/** v1 calls its field `a`, v2 `b`. */
const fieldOf = (version: string) => (version === 'v1' ? 'a' : 'b');
const merge = { 'content-type': 'application/merge-patch+json' };
const last = 'the-last';

function converted(object: any, apiVersion: string): object {
  const { a, b, ...rest } = object;
  return { ...rest, apiVersion, ...(apiVersion.endsWith('v2') ? { b: a } : { a: b }) };
}

test('watches in both versions tell of the same changes in the same order', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = seededRandom(seed);
  await using hook = await testWebhook(async ({ request }) => {
    for (let turns = Math.floor(random.next() * 30); turns > 0; turns--) await new Promise(setImmediate);
    const convertedObjects = request.objects.map((each: object) => converted(each, request.desiredAPIVersion));
    return { result: { status: 'Success' }, convertedObjects };
  });
  await using api = await serve();
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      conversion: { strategy: 'Webhook', webhook: { clientConfig: hook.at('/'), conversionReviewVersions: ['v1'] } },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  });
  while ((await api.call('GET', at('v1'))).status !== 200) await new Promise(setImmediate);

  const watchers: Promise<{ since: number; seen: string[] }>[] = [];
  const follow = async (version: string) => {
    const { resourceVersion } = (await api.call('GET', at(version))).body.metadata;
    const opened = await api.open(`${at(version)}?watch=true&resourceVersion=${resourceVersion}`);
    watchers.push(seenUntilLast(events(opened), version, Number(resourceVersion)));
  };
  const one = (list: readonly string[]) => list[Math.floor(random.next() * list.length)]!;
  const write = async (value: string) => {
    const version = one(['v1', 'v2']);
    const name = one(['x', 'y', 'z']);
    const field = fieldOf(version);
    const object = { apiVersion: `${group}/${version}`, kind: 'Thing', metadata: { name }, [field]: value };
    const answer = await {
      create: () => api.call('POST', at(version), object),
      patch: () => api.call('PATCH', `${at(version)}/${name}`, { [field]: value }, merge),
      delete: () => api.call('DELETE', `${at(version)}/${name}`),
    }[one(['create', 'create', 'patch', 'patch', 'delete']) as 'create']();
    assert.ok([200, 201, 404, 409].includes(answer.status), `seed ${seed}: ${answer.text}`);
    if (random.next() < 0.1) await follow(one(['v1', 'v2']));
  };
  await Promise.all([follow('v1'), follow('v2')]);
  const writer = async (id: number) => {
    for (let count = 0; count < 30; count++) await write(`${id}-${count}`);
  };
  await Promise.all([writer(1), writer(2), writer(3), writer(4)]);
  await api.call('POST', at('v1'), { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: last } });
  const [whole, ...others] = await Promise.all(watchers);
  for (const { since, seen } of others) {
    const wanted = whole!.seen.filter((event) => Number(event.split(' ')[2]) > since);
    assert.deepEqual(seen, wanted, `seed ${seed}`);
  }
});

async function seenUntilLast(source: AsyncGenerator<any>, version: string, since: number) {
  const seen: string[] = [];
  for await (const { type, object } of source) {
    const { name, resourceVersion } = object.metadata;
    seen.push(`${type} ${name} ${resourceVersion} ${object[fieldOf(version)]}`);
    if (name === last) break;
  }
  return { since, seen };
}
