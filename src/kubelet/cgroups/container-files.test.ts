import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { containerFiles } from './container-files.ts';

describe('files of a container’s group', () => {
  const together = { 'memory.oom.group': '1' };
  const noSwap = { 'memory.swap.max': '0' };

  for (const [name, singleProcessOomKill, hasSwapLimit, want] of [
    ['end a container as a whole, and keep it from swap', undefined, true, { ...together, ...noSwap }],
    ['say so where it was asked for', false, true, { ...together, ...noSwap }],
    ['leave the others of a process that is killed, where that is wished', true, true, noSwap],
    ['say nothing of swap that the kernel does not count', undefined, false, together],
  ] as const)
    it(name, () => assert.deepEqual(containerFiles({ version: 2, singleProcessOomKill, hasSwapLimit }), want));

  it('are not there under v1, which cannot end a container as a whole', () => {
    const under1 = (singleProcessOomKill?: boolean) =>
      containerFiles({ version: 1, singleProcessOomKill, hasSwapLimit: false });
    assert.equal(under1(), undefined);
    assert.equal(under1(true), undefined);
    assert.throws(() => under1(false), {
      message: 'invalid configuration: singleProcessOOMKill must not be explicitly set to false when using cgroup v1',
    });
  });
});
