// A runtime that answers as CRI-O does, where it differs from containerd: by its sources, since it cannot be had everywhere.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/log.ts';
import type { SandboxConfig } from '../runtime.ts';
import { ownerLabel, shareRuntime } from '../shared-runtime.ts';
import { type CriRuntime, createCriRuntime } from './cri-runtime.ts';
import { loadCriMethods } from './cri-schema.ts';

type Answers = Readonly<Record<string, (request: any) => object>>;

/** Serves these methods on a socket of its own; others are Unimplemented. A stream ends at once. */
async function answering(
  answers: Answers,
  use: (runtime: CriRuntime, asked: string[]) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cri-'));
  const server = new Server();
  const asked: string[] = [];
  const services = new Map<string, { definition: ServiceDefinition; handlers: UntypedServiceImplementation }>();
  for (const { service, name, request, response, serverStream } of loadCriMethods()) {
    const { definition, handlers } = services.get(service) ?? { definition: {}, handlers: {} };
    services.set(service, { definition, handlers });
    const answer = answers[name];
    (definition as Record<string, unknown>)[name] = {
      path: `/runtime.v1.${service}/${name}`,
      requestStream: false,
      responseStream: serverStream,
      requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), { defaults: true, enums: String }),
      responseSerialize: (message: object) => Buffer.from(response.encode(response.fromObject(message)).finish()),
    };
    handlers[name] = (call: any, done: any) => {
      asked.push(name);
      if (serverStream) call.end();
      else if (answer) done(null, answer(call.request));
      else done({ code: status.UNIMPLEMENTED, details: `unknown method ${name}` });
    };
  }
  for (const { definition, handlers } of services.values()) server.addService(definition, handlers);
  const socketPath = join(folder, 'crio.sock');
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  const clock = { ...systemClock, sleep: async () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const runtime = createCriRuntime({ socketPath, clock, log: silentLogger });
  try {
    await use(runtime, asked);
  } finally {
    runtime.close();
    server.forceShutdown();
    await rm(folder, { recursive: true });
  }
}

const conditions = [{ type: 'RuntimeReady', status: true }];
const id = 'c'.repeat(64);
const imageId = '8'.repeat(64);
const digest = `registry.example/web@sha256:${'d'.repeat(64)}`;
/** Go's year 1 in nanoseconds since 1970: what a time that was never set becomes. */
const never = '-6795364578871345152';

test('it tells its cgroup driver, its sandbox image and the disk of its images, and no folder of networks', () =>
  answering(
    {
      Status: ({ verbose }) => ({
        status: { conditions },
        info: verbose ? { config: '{"sandboxImage":"registry.k8s.io/pause:3.10"}' } : {},
      }),
      RuntimeConfig: () => ({ linux: { cgroupDriver: 'SYSTEMD' } }),
      ImageFsInfo: () => ({
        imageFilesystems: [{ fsId: { mountpoint: '/var/lib/containers/storage/overlay-images' } }],
      }),
    },
    async (runtime) =>
      assert.deepEqual(await runtime.facts(), {
        sandboxImage: 'registry.k8s.io/pause:3.10',
        cgroupDriver: 'systemd',
        imageDir: '/var/lib/containers/storage/overlay-images',
      }),
  ));

test('an older one tells none of it, and of no handlers', () =>
  answering({ Status: () => ({ status: { conditions } }) }, async (runtime) => {
    assert.deepEqual(await runtime.facts(), {});
    assert.deepEqual(await runtime.features(), { supplementalGroupsPolicy: false, handlers: [] });
  }));

test('one without pod events ends the stream at once: everything is looked at then, again and again', () =>
  answering({}, async (runtime, asked) => {
    const stopping = new AbortController();
    const seen: unknown[] = [];
    await runtime.watchEvents((each) => {
      seen.push(each);
      if (seen.length === 3) stopping.abort();
    }, stopping.signal);
    assert.deepEqual(seen, [undefined, undefined, undefined]);
    assert.deepEqual(asked.slice(0, 3), ['GetContainerEvents', 'GetContainerEvents', 'GetContainerEvents']);
  }));

test('a container that ended before it began has no time, and one whose end nobody saw the exit code -1', () =>
  answering(
    {
      ContainerStatus: () => ({
        status: {
          id,
          metadata: { name: 'main', attempt: 0 },
          state: 'CONTAINER_EXITED',
          createdAt: '1700000000000000000',
          startedAt: never,
          finishedAt: never,
          exitCode: -1,
          reason: 'Error',
          image: { image: 'registry.example/web:1' },
          imageRef: digest,
        },
      }),
    },
    async (runtime) => {
      const { startedAtMs, finishedAtMs, exitCode, reason, imageRef, user } = (await runtime.containerStatus(id))!;
      assert.deepEqual(
        { startedAtMs, finishedAtMs, exitCode, reason, imageRef, user },
        {
          startedAtMs: 0,
          finishedAtMs: 0,
          exitCode: -1,
          reason: 'Error',
          imageRef: digest,
          user: undefined,
        },
      );
    },
  ));

test('an image has an id without the name of its algorithm, and no name where there is none', () =>
  answering(
    { ListImages: () => ({ images: [{ id: imageId, repoTags: ['<none>:<none>'], repoDigests: ['<none>@<none>'] }] }) },
    async (runtime) => {
      const [image] = await runtime.listImages();
      assert.deepEqual([image!.id, image!.repoTags, image!.repoDigests], [imageId, [], []]);
    },
  ));

test('of a runtime that others use as well, a node sees what it has made, and keeps the images of all', () => {
  const mine = { [ownerLabel]: 'node-a' };
  const container = (name: string, labels: object, imageRef: string) => ({
    id: name,
    podSandboxId: name,
    metadata: { name, attempt: 0 },
    imageRef,
    labels,
  });
  const sandboxes: { labels: Record<string, string> }[] = [];
  return answering(
    {
      RunPodSandbox: ({ config }) => {
        sandboxes.push(config);
        return { podSandboxId: 'made' };
      },
      ListPodSandbox: () => ({
        items: [
          { id: 'ours', metadata: { name: 'a' }, labels: mine },
          { id: 'theirs', metadata: { name: 'b' }, labels: { 'io.kubernetes.pod.uid': 'u' } },
          { id: 'of-another-node', metadata: { name: 'c' }, labels: { [ownerLabel]: 'node-b' } },
        ],
      }),
      ListContainers: () => ({ containers: [container('ours', mine, imageId), container('theirs', {}, digest)] }),
      ListContainerStats: () => ({
        stats: [{ attributes: { id: 'ours', labels: mine } }, { attributes: { id: 'theirs', labels: {} } }],
      }),
      PodSandboxStatus: ({ podSandboxId }) => ({
        status: { id: podSandboxId, metadata: { name: 'x' }, labels: podSandboxId === 'ours' ? mine : {} },
      }),
      ListImages: () => ({
        images: [
          { id: imageId, repoTags: ['registry.example/a:1'] },
          { id: 'e'.repeat(64), repoDigests: [digest] },
        ],
      }),
    },
    async (whole) => {
      const runtime = shareRuntime(whole, 'node-a');
      const config = {
        metadata: {},
        labels: { app: 'web', [ownerLabel]: 'node-b' },
        linux: {},
      } as unknown as SandboxConfig;
      await runtime.runSandbox(config);
      assert.deepEqual(sandboxes[0]!.labels, { app: 'web', [ownerLabel]: 'node-a' });
      const ids = (each: readonly { readonly id: string }[]) => each.map((one) => one.id);
      assert.deepEqual(ids(await runtime.listSandboxes()), ['ours']);
      assert.deepEqual(ids(await runtime.listContainers()), ['ours']);
      assert.deepEqual(ids(await runtime.containerUsage()), ['ours']);
      assert.equal(await runtime.sandboxStatus('theirs'), undefined);
      assert.equal((await runtime.sandboxStatus('ours'))?.id, 'ours');
      assert.deepEqual(
        (await runtime.listImages()).map(({ pinned }) => pinned),
        [false, true],
      );
    },
  );
});
