import assert from 'node:assert/strict';
import test from 'node:test';
import { planService } from '../proxy/plan-service.ts';
import { aService, aSlice } from '../testing/objects.ts';
import { emptyPlan, type Plan } from './rule-set.ts';
import { TableState } from './table-state.ts';

// Session affinity has rules of its own; services without it share theirs, and are elements of maps.
const sticky = { sessionAffinity: 'ClientIP' };
const node = { nodeName: 'node-1', podCidr: '10.0.0.0/24' };
function plan(name: string, endpoints: string[], spec: object = {}): Plan {
  const service = aService(`default/${name}`, { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ...spec });
  return planService(service, [aSlice(`default/${name}`, { endpoints })], node);
}

/** `add chain svc/…`, `delete element services 1`. */
function said(state: TableState): string[] {
  return state.takeChanges().map((command) => {
    const [verb, body] = Object.entries(command)[0]! as [string, Record<string, Record<string, unknown>>];
    const [what, parts] = Object.entries(body)[0]!;
    return `${verb} ${what} ${parts['chain'] ?? parts['name']}`;
  });
}

test('a new service adds its sets, its chains, their rules and its element, in that order', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5'], sticky));
  assert.deepEqual(said(state), [
    'add set seen/10800/default/a/tcp/80/10.244.0.5/8080',
    'add chain ep/default/a/tcp/80/10.244.0.5/8080',
    'add chain svc/default/a/tcp/80',
    'add rule ep/default/a/tcp/80/10.244.0.5/8080',
    'add rule ep/default/a/tcp/80/10.244.0.5/8080',
    'add rule svc/default/a/tcp/80',
    'add rule svc/default/a/tcp/80',
    'add element services',
  ]);
});

test('a changed endpoint is one element of a map, and nothing else is touched', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5']));
  state.set('b', plan('b', ['10.244.0.6'], { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] }));
  state.takeChanges();
  state.committed();
  state.set('a', plan('a', ['10.244.0.7']));
  assert.deepEqual(said(state), ['delete element endpoint-0', 'add element endpoint-0']);
});

test('the same plan again changes nothing', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5']));
  state.takeChanges();
  state.committed();
  state.set('a', plan('a', ['10.244.0.5']));
  assert.deepEqual(said(state), []);
});

test('the last endpoint gone turns the service to refusal before its chain goes', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5'], sticky));
  state.takeChanges();
  state.committed();
  state.set('a', plan('a', []));
  assert.deepEqual(said(state), [
    'delete element services',
    'add element refused',
    'flush chain ep/default/a/tcp/80/10.244.0.5/8080',
    'flush chain svc/default/a/tcp/80',
    'delete chain ep/default/a/tcp/80/10.244.0.5/8080',
    'delete chain svc/default/a/tcp/80',
    'delete set seen/10800/default/a/tcp/80/10.244.0.5/8080',
  ]);
});

test('an address claimed twice stays with who came first, and passes on', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5']));
  state.set('b', plan('b', ['10.244.0.6']));
  const elements = ['services', 'endpoint-0', 'endpoint-ports'];
  assert.deepEqual(
    said(state),
    elements.map((name) => `add element ${name}`),
  );
  state.committed();
  state.set('a', emptyPlan);
  assert.match(JSON.stringify(state.takeChanges()), /\["10\.96\.0\.5","tcp",80\]\},"10\.244\.0\.6"\]/);
});

test('what was not committed is said again, with what came since', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5']));
  state.takeChanges();
  state.set('a', plan('a', ['10.244.0.9', '10.244.0.8']));
  assert.deepEqual(said(state), [
    'add element services',
    'add element endpoint-0',
    'add element endpoint-ports',
    'add element endpoint-1',
  ]);
});

test('after the kernel forgot, everything there is said again and nothing that is gone', () => {
  const state = new TableState('t');
  state.set('a', plan('a', ['10.244.0.5'], { sessionAffinity: 'ClientIP' }));
  state.set('b', plan('b', ['10.244.0.6'], { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] }));
  state.takeChanges();
  state.committed();
  state.set('b', emptyPlan);
  state.forgetKernel();
  const lines = said(state);
  assert.ok(
    lines.every((line) => line.startsWith('add ')),
    lines.join(),
  );
  assert.ok(lines.some((line) => line.startsWith('add set seen/10800/')));
  assert.doesNotMatch(lines.join(), /default\/b/);
});
