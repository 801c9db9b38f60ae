import { replicationControllerKind } from '../../generated/kinds.ts';
import type { Selector } from '../api/meta/labels.ts';
import { replicasController } from './replica-set/replicas-controller.ts';

/** The same for ReplicationControllers, the older kind with a plain map for selector. */
export const replicationControllerController = replicasController({
  controllerName: 'replicationcontroller',
  component: 'replication-controller',
  kind: replicationControllerKind,
  selectorOf: (controller) => mapSelector(controller.spec?.selector),
  reportsTerminating: false,
});

function mapSelector(labels: Readonly<Record<string, string>> | undefined): Selector | undefined {
  if (!labels || Object.keys(labels).length === 0) return undefined;
  return Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] }));
}
