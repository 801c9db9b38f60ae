import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { OutboundClient } from '../../outbound/client.ts';
import type { WebhookMetrics } from './metrics.ts';

/** What webhooks need of the server. */
export interface WebhookParts {
  readonly client: OutboundClient;
  /** For conditions that ask it. */
  readonly authorizer: Authorizer;
  readonly random: Random;
  readonly clock: Clock;
  readonly metrics: WebhookMetrics;
}
