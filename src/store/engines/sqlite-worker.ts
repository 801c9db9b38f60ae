// The thread that owns the database file. Answers in the order asked, so a read sees every write acknowledged before it.
import { parentPort, workerData } from 'node:worker_threads';
import { CompactedError, FutureRevisionError } from '../store.ts';
import type { CommitGroup, FromWorker, Query, StoreFailure, ToWorker } from './sqlite-messages.ts';
import { LogTable, type TableOptions } from './sqlite-table.ts';

const sqliteFull = 13;

function main(port: NonNullable<typeof parentPort>): void {
  const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let table: LogTable;
  try {
    table = new LogTable(workerData as TableOptions);
  } catch (error) {
    send({ type: 'fatal', message: `cannot open the store: ${explain(error)}` });
    return;
  }
  send({ type: 'opened', revision: table.revision, compacted: table.compacted, isSwept: table.isSwept });

  port.on('message', (message: ToWorker) => {
    if ('group' in message) commit(message.group);
    else answer(message.id, message.query);
  });

  function commit(group: CommitGroup): void {
    try {
      const outcome = table.commit(group);
      send({ type: 'committed', outcome }, [outcome.data.buffer]);
    } catch (error) {
      if (isDiskFailure(error)) sendFatal(error);
      else send({ type: 'refused', message: explain(error) });
    }
  }

  function sendFatal(error: unknown): void {
    send({ type: 'fatal', message: `cannot write: ${explain(error)}` });
  }

  function answer(id: number, query: Query): void {
    try {
      send({ type: 'answer', id, value: ask(query) });
    } catch (error) {
      send({ type: 'failure', id, failure: failureOf(error) });
      if ((query.type === 'compact' || query.type === 'sweep') && isDiskFailure(error)) sendFatal(error);
    }
    if (query.type === 'close') port.close();
  }

  function ask(query: Query): unknown {
    switch (query.type) {
      case 'get':
        return table.get(query.key, query.revision);
      case 'range':
        return table.range(query);
      case 'log':
        return table.readLog(query.prefix, query.from);
      case 'compact':
        return table.compact(query.revision);
      case 'sweep':
        return table.sweep();
      case 'size':
        return table.sizeBytes();
      case 'close':
        return table.close();
    }
  }
}

function failureOf(error: unknown): StoreFailure {
  if (error instanceof CompactedError) return { type: 'compacted', revision: error.compactedRevision };
  if (error instanceof FutureRevisionError) return { type: 'future', revision: error.currentRevision };
  return { type: 'other', message: explain(error) };
}

/**
 * A full disk refuses a write and nothing is lost. Any other failure to write or to fsync leaves it open what is on disk,
 * and fsync does not report the same loss twice.
 */
function isDiskFailure(error: unknown): boolean {
  const code = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
  const isRefusal = error instanceof CompactedError || error instanceof FutureRevisionError;
  return code !== sqliteFull && !isRefusal;
}

function explain(error: unknown): string {
  const code = (error as { errcode?: number }).errcode;
  const text = error instanceof Error ? error.message : String(error);
  return code === undefined ? text : `${text} (SQLite error ${code})`;
}

if (parentPort) main(parentPort);
