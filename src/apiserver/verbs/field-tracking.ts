// Binds a request to the managers of fields: who writes, in which version, to which part.
import type { ResourceInfo } from '../../api/resource-info.ts';
import { managerName } from '../managed-fields/manager-name.ts';
import type { Write } from '../managed-fields/track-update.ts';
import type { Call } from './call.ts';
import type { WriteOptions } from './options.ts';

export function trackedWrite(call: Call, options: WriteOptions, resource: ResourceInfo = call.resource): Write {
  return {
    resource,
    table: call.server.registry.table,
    subresource: call.info.subresource,
    manager: managerName(options.fieldManager, call.http),
    nowMs: call.server.clock.now(),
  };
}
