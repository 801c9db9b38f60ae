import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { storeContract } from '../contract.ts';
import { openSqliteStore } from './sqlite.ts';

const root = await mkdtemp(join(tmpdir(), 'coracle-store-'));
after(() => rm(root, { recursive: true }));
let opened = 0;
const fresh = () => join(root, String(opened++), 'store.db');

storeContract('sqlite', () => openSqliteStore({ file: fresh() }));
storeContract('sqlite that keeps next to nothing in memory', () =>
  openSqliteStore({ file: fresh(), tailBytes: 1, cacheKilobytes: 64 }),
);
