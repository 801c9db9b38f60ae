import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { Client, credentials, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { callUnary, followStream } from './grpc.ts';

suite('a gRPC call', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'grpc-'));
  const address = `unix://${join(folder, 'socket')}`;
  const text = {
    requestSerialize: (each: string) => Buffer.from(each),
    requestDeserialize: String,
    responseSerialize: (each: string) => Buffer.from(each),
    responseDeserialize: String,
  };
  const asked: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const server = new Server();
  server.addService(
    {
      Say: { path: '/t/Say', requestStream: false, responseStream: false, ...text },
      Count: { path: '/t/Count', requestStream: false, responseStream: true, ...text },
    },
    {
      Say({ request }: { request: string }, answer: (error: object | null, text?: string) => void) {
        asked.push(request);
        if (request === 'never') arrived.resolve();
        else if (request === 'wrong') answer({ code: status.NOT_FOUND, details: 'there is none' });
        else answer(null, `${request}!`);
      },
      Count(call: ServerWritableStream<string, string>) {
        for (const each of ['1', '2']) call.write(each);
        if (call.request === 'end') call.end();
        if (call.request === 'break') call.emit('error', { code: status.ABORTED, details: 'broken' });
      },
    } as never,
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  const channel = new Client(address, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
  after(() => {
    channel.close();
    server.forceShutdown();
    rmSync(folder, { recursive: true, force: true });
  });
  const exchange = (path: string, request: string) => ({
    channel,
    path,
    encode: (each: object) => Buffer.from(String(each)),
    decode: String,
    request: request as unknown as object,
  });
  const say = (request: string, timeoutMs: number, signal?: AbortSignal) =>
    callUnary(exchange('/t/Say', request), { timeoutMs, signal });

  test('gives the answer, or the server’s words and code', async () => {
    assert.equal(await say('hello', 10_000), 'hello!');
    await assert.rejects(say('wrong', 10_000), { name: 'GrpcError', message: 'there is none', code: status.NOT_FOUND });
  });

  test('ends with its time, and with its signal', async () => {
    await assert.rejects(say('never', 50), { code: status.DEADLINE_EXCEEDED });
    const stop = new AbortController();
    const call = say('never', 60_000, stop.signal);
    await arrived.promise;
    stop.abort();
    await assert.rejects(call, { code: status.CANCELLED });
  });

  test('is not made when its signal has aborted already', async () => {
    await assert.rejects(say('too late', 60_000, AbortSignal.abort()), { code: status.CANCELLED });
    assert.ok(!asked.includes('too late'));
  });

  test('that streams ends with the server or with its signal, and fails when it breaks', async () => {
    const seen: string[] = [];
    const stop = new AbortController();
    const follow = (request: string, signal: AbortSignal) =>
      followStream(
        exchange('/t/Count', request),
        (each) => {
          seen.push(each);
          if (request === 'open' && each === '2') stop.abort();
        },
        signal,
      );
    await follow('end', new AbortController().signal);
    await follow('open', stop.signal);
    await follow('open', stop.signal);
    assert.deepEqual(seen, ['1', '2', '1', '2']);
    await assert.rejects(follow('break', new AbortController().signal), { message: 'broken', code: status.ABORTED });
  });
});
