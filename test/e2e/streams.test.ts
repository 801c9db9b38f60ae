// Nothing is lost on the way into a container and out of it, at full speed. `node bench/streams.ts 1024` does it with more.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCluster, whyNoContainers } from './cluster.ts';
import {
  followLines,
  startPods,
  throughAttach,
  throughCopy,
  throughExec,
  throughPort,
  wantedSum,
} from './transfers.ts';

const mebibytes = 24;

/** So that logs are rotated while a test can wait for it. */
const configuration = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerLogMaxSize: 1Mi
containerLogMaxFiles: 50
containerLogMonitorInterval: 3s
`;

describe('streams of a node', { skip: whyNoContainers() ?? false }, () => {
  let cluster: TestCluster;
  before(async () => {
    const file = join(tmpdir(), `coracle-streams-${process.pid}.yaml`);
    await writeFile(file, configuration);
    cluster = await TestCluster.create({ flags: ['--kubelet-config', file] });
    await rm(file);
    await cluster.loadImages('pause', 'busybox', 'nginx');
    await startPods(cluster);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  for (const protocol of ['WebSocket', 'SPDY'] as const)
    for (const [what, through] of Object.entries({ throughExec, throughAttach, throughCopy, throughPort }))
      test(`${what}, by ${protocol}, give back what they were given`, async () => {
        assert.equal(await through({ cluster, mebibytes, protocol }), await wantedSum(mebibytes));
      });

  test('a log is followed over its rotations, every line once', async () => {
    assert.equal(await followLines({ cluster, mebibytes: 12 }, 4), '');
  });
});
