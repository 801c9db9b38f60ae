// An operator in forty lines: for each ConfigMap with the label `copy-to: NAMESPACE`, the same data under the same name there.
import { type Client, kinds, type WatchEvent } from 'coracle/testing';

type ConfigMap = Awaited<ReturnType<ReturnType<typeof configMaps>['get']>>;
const configMaps = (client: Client) => client.resource(kinds.configMapKind);

/** Works until the signal aborts. */
export async function runOperator(client: Client, signal: AbortSignal): Promise<void> {
  const { metadata } = await configMaps(client).list({ labelSelector: 'copy-to', limit: 1 });
  const resourceVersion = metadata.resourceVersion ?? '';
  const events = configMaps(client).watch({ labelSelector: 'copy-to', resourceVersion, signal });
  for await (const event of events) await reconcile(client, event);
}

async function reconcile(client: Client, event: WatchEvent<ConfigMap>): Promise<void> {
  if (event.type === 'BOOKMARK') return;
  const { name, labels } = event.object.metadata;
  const key = { namespace: labels?.['copy-to'] ?? '', name };
  const copy = await configMaps(client).find(key);
  if (event.type === 'DELETED') {
    if (copy) await configMaps(client).delete(key);
    return;
  }
  const { data = {} } = event.object;
  if (copy) await configMaps(client).patch(key, { data }, { type: 'merge' });
  else await configMaps(client).create({ metadata: key, data });
}
