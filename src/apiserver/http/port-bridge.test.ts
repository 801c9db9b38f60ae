import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { configMapKind } from '../../../generated/kinds.ts';
import { createClient } from '../../client/create-client.ts';
import { PortConnection } from '../../client/port-transport.ts';
import { admin, serve } from '../testing/serve.ts';

test('a client behind a port reads, writes and watches as others do', async () => {
  await using api = await serve();
  const { port1, port2 } = new MessageChannel();
  api.server.servePort(port1, { admin, nobody: { username: 'nobody', groups: [] } });
  await using connection = new PortConnection(port2);
  const client = createClient(connection.as('admin')).resource(configMapKind);
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const event of client.watch({ namespace: 'default', signal: stop.signal })) {
      seen.push(`${event.type} ${event.type === 'BOOKMARK' ? '' : event.object.metadata.name}`);
      if (seen.length === 2) break;
    }
  })();
  const payload = 'x'.repeat(900_000);
  await client.create({ metadata: { name: 'large', namespace: 'default' }, data: { a: payload } });
  const read = await client.get({ namespace: 'default', name: 'large' });
  assert.equal(read.data?.['a'], payload);
  await client.delete({ namespace: 'default', name: 'large' });
  await watching;
  assert.deepEqual(seen, ['ADDED large', 'DELETED large']);
  const none = { namespace: 'default', name: 'none' };
  assert.equal(await client.find(none), undefined);
  await assert.rejects(createClient(connection.as('nobody')).resource(configMapKind).find(none), /"nobody" cannot get/);
  await assert.rejects(createClient(connection.as('other')).resource(configMapKind).find(none), /broke off/);
});
