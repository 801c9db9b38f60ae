import type { ComponentStatus } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { nameColumn } from '../meta/columns.ts';

const healthy = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === 'Healthy');

export const componentStatusKind: KindDefinition<ComponentStatus> = {
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  deprecationWarning: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'Status of the component conditions',
      cell: (object) => ({ True: 'Healthy', False: 'Unhealthy' })[healthy(object)?.status ?? ''] ?? 'Unknown',
    },
    {
      name: 'Message',
      type: 'string',
      description: 'Message of the component conditions',
      cell: (object) => healthy(object)?.message ?? '',
    },
    {
      name: 'Error',
      type: 'string',
      description: 'Error of the component conditions',
      cell: (object) => healthy(object)?.error ?? '',
    },
  ],
};
