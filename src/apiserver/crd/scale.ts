// The scale subresource of a custom resource, by the paths that its definition names.
import type { CustomResourceSubresourceScale } from '../../../generated/apiextensions-v1.ts';
import type { KindDefinition } from '../../api/kind.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { internalError } from '../../api/meta/status-error.ts';
import { isJsonObject, type JsonObject, setKey } from '../../schema/structural/node.ts';

const steps = (path: string): string[] => path.replace(/^\./, '').split('.');

function read(object: KubernetesObject, path: string): unknown {
  let value: unknown = object;
  for (const name of steps(path)) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function write(object: KubernetesObject, path: string, value: number): void {
  const names = steps(path);
  const last = names.pop()!;
  let parent = object as unknown as JsonObject;
  for (const name of names) {
    if (!Object.hasOwn(parent, name) || !isJsonObject(parent[name])) setKey(parent, name, {});
    parent = parent[name] as JsonObject;
  }
  setKey(parent, last, value);
}

const whole = (value: unknown): number => (typeof value === 'number' ? Math.trunc(value) : 0);

export function scaleRules(scale: CustomResourceSubresourceScale): NonNullable<KindDefinition['scale']> {
  return {
    get(object) {
      const replicas = read(object, scale.specReplicasPath);
      if (replicas === undefined || replicas === null) {
        throw internalError(`the spec replicas field ${JSON.stringify(scale.specReplicasPath)} does not exist`);
      }
      const selector = scale.labelSelectorPath ? read(object, scale.labelSelectorPath) : '';
      return {
        replicas: whole(replicas),
        statusReplicas: whole(read(object, scale.statusReplicasPath)),
        selector: typeof selector === 'string' ? selector : '',
      };
    },
    set: (object, replicas) => write(object, scale.specReplicasPath, replicas),
  };
}
