import type { MutatingWebhookConfiguration } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { defaultWebhook, validateWebhooks } from './webhook.ts';

export const mutatingWebhookConfigurationKind: KindDefinition<MutatingWebhookConfiguration> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults({ webhooks }) {
    for (const webhook of webhooks ?? []) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate: ({ webhooks }, errors) => validateWebhooks(webhooks ?? [], path('webhooks'), errors),
  columns: [
    nameColumn,
    {
      name: 'Webhooks',
      type: 'integer',
      description: 'Webhooks indicates the number of webhooks registered in this configuration',
      cell: ({ webhooks }) => webhooks?.length ?? 0,
    },
    ageColumn,
  ],
};
