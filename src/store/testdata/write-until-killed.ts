// Writes from many writers at once and prints each acknowledged write. The parent kills it.
import { openSqliteStore } from '../engines/sqlite.ts';

const store = await openSqliteStore({ file: process.argv[2]! });
const value = (writer: number, n: number) => new TextEncoder().encode(`${writer}:${n}:${'x'.repeat(1000)}`);
await Promise.all(
  Array.from({ length: 16 }, async (_, writer) => {
    for (let n = 0; ; n++) {
      const { revision } = await store.commit([{ key: `/w${writer}/${n % 50}`, value: value(writer, n) }]);
      process.stdout.write(`${revision} ${writer} ${n}\n`);
    }
  }),
);
