import { test } from 'node:test';
import { storeContract } from '../../contract.ts';
import type { Store } from '../../store.ts';
import { EtcdServer, findEtcds } from '../../testdata/etcd-server.ts';
import { openEtcdStore } from './etcd.ts';

const programs = findEtcds();
if (programs.length === 0) test('etcd', { skip: 'no etcd on this machine' }, () => {});

for (const program of programs) {
  storeContract(`etcd ${program.version}`, async () => {
    const server = await EtcdServer.start(program);
    const store = await openEtcdStore({ servers: [server.url] });
    return ending(store, server);
  });
}

/** The store, taking its server with it. */
function ending(store: Store, server: EtcdServer): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === Symbol.asyncDispose) {
        return async () => {
          await target[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
