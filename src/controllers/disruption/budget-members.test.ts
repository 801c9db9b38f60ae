import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { silentLogger } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { SharedInformer } from '../../reconcile/shared-informer.ts';
import { cachedSelector } from '../shared/selector.ts';
import { BudgetMembers } from './budget-members.ts';

const selectors = [
  undefined,
  {},
  { matchLabels: { app: 'a' } },
  { matchLabels: { app: 'b', tier: 'x' } },
  { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] },
  { matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
  { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
  { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] },
];

test('whatever comes, changes and goes, members are those that a look at everything finds', () => {
  const random = seededRandom(7);
  const one = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!;
  const budgets = new SharedInformer<PodDisruptionBudget>(silentLogger);
  const pods = new SharedInformer<Pod>(silentLogger);
  const members = new BudgetMembers(budgets, pods);
  for (let version = 1; version <= 3000; version++) {
    const metadata = { name: `${one([1, 2, 3, 4, 5])}`, namespace: one(['n', 'm']), resourceVersion: `${version}` };
    const type = one(['MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED'] as const);
    if (random.next() < 0.3) budgets.changed(type, { metadata, spec: { selector: one(selectors) } } as never);
    else {
      const labels = one([undefined, { app: 'a' }, { app: 'b' }, { app: 'b', tier: 'x' }, { tier: 'y' }]);
      pods.changed(type, { metadata: { ...metadata, ...(labels ? { labels } : {}) } } as never);
    }
    for (const budget of budgets.list()) {
      const selector = cachedSelector(budget.spec?.selector);
      const found = pods
        .list(budget.metadata.namespace)
        .filter(({ metadata: { labels } }) => selector && matchesSelector(selector, labels));
      assert.deepEqual(new Set(members.podsOf(budget)), new Set(found), `after ${version} changes`);
      for (const { metadata } of found)
        assert.ok(
          members.budgetsFor(metadata.namespace!, metadata.labels).includes(budget),
          `after ${version} changes`,
        );
    }
  }
});
