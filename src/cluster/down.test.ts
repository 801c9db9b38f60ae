import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeDown } from './down.ts';
import { layoutOf } from './settings/layout.ts';
import { identify, isAlive, writeState } from './settings/state.ts';

test('taking down a cluster that is still coming up ends what it starts meanwhile', async () => {
  const layout = layoutOf('down', mkdtempSync(join(tmpdir(), 'down-')));
  const later = `${layout.state}.later`;
  const run = (script: string) => spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const agent = run('echo ready; exec sleep 1000');
  // It has told of an agent by the time it is gone.
  const server = run(`trap 'mv ${later} ${layout.state}; exit' TERM; echo ready; while :; do sleep 0.01; done`);
  try {
    await Promise.all([agent, server].map(({ stdout }) => once(stdout, 'data')));
    const component = (name: string, pid: number) =>
      ({ ...identify(pid), name, address: '', state: 'running' }) as const;
    const state = { name: 'down', dataDir: layout.dataDir, startedAt: '' };
    const components = [component('apiserver', server.pid!)];
    writeState(layout, { ...state, components: [...components, component('node', agent.pid!)] });
    renameSync(layout.state, later);
    writeState(layout, { ...state, components });
    assert.equal(await takeDown(layout, { keepPods: true }), true);
    assert.equal(isAlive(component('node', agent.pid!)), false);
    assert.equal(await takeDown(layout, { keepPods: true }), false);
  } finally {
    for (const child of [agent, server]) child.kill('SIGKILL');
    rmSync(layout.dataDir, { recursive: true });
  }
});
