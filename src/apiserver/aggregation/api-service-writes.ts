// Writes of APIServices by the server itself.
import type { APIService, APIServiceCondition } from '../../../generated/apiregistration-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { ObjectWriter, WriteContext } from '../subresources/handler.ts';

/** Updates fail with a conflict when the object is not as it was given any longer. */
export interface Writes {
  create(object: APIService): Promise<void>;
  update(current: APIService, change: (object: APIService) => APIService): Promise<void>;
  delete(name: string): Promise<void>;
  setConditions(current: APIService, conditions: readonly APIServiceCondition[]): Promise<void>;
}

const context: WriteContext = {
  user: { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] },
  isDryRun: false,
};

export function apiServiceWrites(writer: ObjectWriter, resource: ResourceInfo): Writes {
  const update = async (
    { metadata: { name, uid, resourceVersion } }: APIService,
    change: (object: APIService) => APIService,
    subresource?: string,
  ) => {
    await writer.update(resource, '', name!, (object) => change(object as APIService) as KubernetesObject, {
      ...context,
      ...(subresource ? { subresource } : {}),
      uidPrecondition: uid!,
      resourceVersionPrecondition: resourceVersion!,
    });
  };
  return {
    update: (current, change) => update(current, change),
    create: async (object) => void (await writer.create(resource, '', object as KubernetesObject, context)),
    delete: async (name) => void (await writer.delete(resource, '', name, {}, context)),
    setConditions: (current, conditions) =>
      update(current, (object) => ({ ...object, status: { ...object.status, conditions: [...conditions] } }), 'status'),
  };
}
