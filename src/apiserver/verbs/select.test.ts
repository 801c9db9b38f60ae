import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { events, serve, take } from '../testing/serve.ts';

const pods = '/api/v1/namespaces/default/pods';
const onNode = (node: string) => `?fieldSelector=spec.nodeName%3D${node}`;
const pod = (name: string, nodeName: string) => ({
  metadata: { name },
  spec: { nodeName, containers: [{ name: 'a', image: 'b' }] },
});
const names = (list: any) => list.items.map(({ metadata }: any) => metadata.name);

test('pods of one node are listed and paged as the index has them, whatever changes', async () => {
  await using api = await serve();
  for (const name of ['c', 'a', 'e', 'd', 'b']) await api.call('POST', pods, pod(name, name < 'd' ? 'one' : 'two'));
  const listed = await api.call('GET', pods + onNode('one'));
  assert.deepEqual(names(listed.body), ['a', 'b', 'c']);
  const page = await api.call('GET', `${pods}${onNode('one')}&limit=2`);
  assert.deepEqual(names(page.body), ['a', 'b']);
  const rest = await api.call('GET', `${pods}${onNode('one')}&limit=2&continue=${page.body.metadata.continue}`);
  assert.deepEqual(names(rest.body), ['c']);
  assert.equal(rest.body.metadata.continue, undefined);
  await api.call('DELETE', `${pods}/b?gracePeriodSeconds=0`);
  await api.call('POST', pods, pod('bb', 'one'));
  assert.deepEqual(names((await api.call('GET', `/api/v1/pods${onNode('one')}`)).body), ['a', 'bb', 'c']);
  assert.deepEqual(names((await api.call('GET', pods + onNode('none'))).body), []);
});

test('a watch of one node hears of its pods alone', async () => {
  await using api = await serve();
  await api.call('POST', pods, pod('a', 'one'));
  const stream = events(await api.open(`${pods}${onNode('one')}&watch=1`));
  await api.call('POST', pods, pod('b', 'two'));
  const { nodeName: _none, ...spec } = pod('c', '').spec;
  await api.call('POST', pods, { metadata: { name: 'c' }, spec });
  await api.call('POST', pods, pod('d', 'one'));
  await api.call('DELETE', `${pods}/a?gracePeriodSeconds=0`);
  const seen = (await take(stream, 3)).map(({ type, object }) => `${type} ${object.metadata.name}`);
  assert.deepEqual(seen, ['ADDED a', 'ADDED d', 'DELETED a']);
  await stream.return(undefined);
});

test('rows of a table grow old though nothing else in them changes', async () => {
  const clock = new FakeClock();
  await using api = await serve({ clock });
  const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  await api.call('POST', pods, pod('a', 'one'));
  const cells = async () => (await api.call('GET', pods, undefined, accept)).body.rows[0].cells.slice(0, 5);
  assert.deepEqual(await cells(), ['a', '0/1', 'Pending', '0', '0s']);
  await clock.advance(90_000);
  assert.deepEqual(await cells(), ['a', '0/1', 'Pending', '0', '90s']);
});
