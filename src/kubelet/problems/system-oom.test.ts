import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemOomReader } from './system-oom.ts';

const start = 'node invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0';
const last = 'Out of memory: Killed process 4321 (stress) total-vm:1000kB, anon-rss:900kB, file-rss:0kB, shmem-rss:0kB';
const constraint = 'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=';
const told = 'System OOM encountered, victim process: stress, pid: 4321';

for (const { name, lines, want } of [
  {
    name: 'the machine as a whole was short',
    lines: [
      start,
      'Mem-Info:',
      'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,task=stress,pid=4321,uid=0',
      last,
    ],
    want: [told],
  },
  {
    name: 'a container was over its limit',
    lines: [start, `${constraint}/kubepods/podA/c,task_memcg=/kubepods/podA/c,task=stress,pid=4321,uid=0`, last],
    want: [],
  },
  {
    name: 'an old kernel names the limit of a container',
    lines: [start, 'Task in /kubepods/podA killed as a result of limit of /kubepods/podA', last],
    want: [],
  },
  { name: 'a process was killed without a report', lines: [last], want: [] },
])
  test(`a lack of memory is the system’s or not: ${name}`, () => {
    const reader = new SystemOomReader();
    // Twice: a report leaves nothing behind for the next.
    const heard = [...lines, ...lines].map((line) => reader.hear(line)).filter(Boolean);
    assert.deepEqual(heard, [...want, ...want]);
  });
