import { replicaSetKind } from '../../generated/kinds.ts';
import { replicasController } from './replica-set/replicas-controller.ts';
import { cachedSelector } from './shared/selector.ts';

/** Keeps as many pods of a template as a ReplicaSet asks for. */
export const replicaSetController = replicasController({
  controllerName: 'replicaset',
  component: 'replicaset-controller',
  kind: replicaSetKind,
  selectorOf: (set) => cachedSelector(set.spec?.selector),
  reportsTerminating: true,
});
