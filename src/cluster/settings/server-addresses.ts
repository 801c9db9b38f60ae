// Servers that share a store tell each other where they are, by keys that end when a server does: the endpoints of the
// Service `kubernetes` lead to all of them.
import type { Store } from '../../store/store.ts';

export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

const root = '/registry/masterleases/';
const ttlSeconds = 30;

const keyOf = ({ address, port }: ServerAddress) => `${root}${address}:${port}`;

/** Says that this server is there, for a while, and who else is. */
export async function announceServer(store: Store, own: ServerAddress): Promise<ServerAddress[]> {
  if (!store.head) return [own];
  await store.commit([{ key: keyOf(own), value: Buffer.from(JSON.stringify(own)), ttlSeconds }]);
  const { items } = await store.range({ prefix: root });
  return items.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as ServerAddress);
}

/** An orderly end: nobody is led here any longer. */
export async function withdrawServer(store: Store, own: ServerAddress): Promise<void> {
  if (store.head) await store.commit([{ key: keyOf(own) }]).catch(() => {}); // it ends by itself soon
}
